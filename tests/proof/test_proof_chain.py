"""The chain of checkpoints: whole ones pass, and every way to rewrite the past is found and named."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi.errors import ProofError
from jiaozi.money import Fen
from jiaozi.proof import verify_jiaozi
from jiaozi.proof.auditing import chain
from jiaozi.proof.auditing.chain import Audit, audit, merge, shown
from jiaozi.proof.checkpoint import checkpoint_hash, verify_signatures
from jiaozi.proof.keys import Signer
from jiaozi.proof.verify_jiaozi import StepError
from tests.proof.evenings import FIRST, evening, evenings, named, signed
from tests.proof.proof_vectors import FOLDER, ISSUER, KEYS, SUPERVISOR, signer_of

FIVE = evenings(5)
WITNESS = signer_of("witness.example")


def kinds(found: Audit) -> list[str]:
    return [fault.kind for each in found.chains for fault in each.faults]


def sentences(found: Audit) -> str:
    return "\n".join(fault.sentence for each in found.chains for fault in each.faults)


def replaced(epoch: int, note: str) -> list[tuple[str, str]]:
    """Return the five evenings with another note in place of *epoch*."""
    return [(name, note if place == epoch else old) for place, (name, old) in enumerate(named(FIVE), 1)]


def test_a_whole_chain_is_whole_in_any_order() -> None:
    found = audit(reversed(named(FIVE)), KEYS)
    assert found.status == 0
    assert [link.stated.epoch for link in found.chains[0].links] == [1, 2, 3, 4, 5]
    assert all(link.signed_by == (ISSUER.name, SUPERVISOR.name) for link in found.chains[0].links)
    assert not found.chains[0].told


def test_without_a_key_nothing_is_decided() -> None:
    assert audit(named(FIVE)).status == 3


def test_nothing_found_is_not_whole() -> None:
    assert audit([], KEYS).status == 2


def test_a_fork_names_both_hashes_both_files_and_who_signed_each() -> None:
    other = signed(evening(3, FIVE[1], reserve_fen=Fen(1)), [ISSUER])
    found = audit([*named(FIVE), ("newspaper.txt", other)], KEYS)
    (fork,) = [fault for fault in found.chains[0].faults if fault.kind == "fork"]
    assert found.status == 1
    assert set(fork.files) == {"eyuan-000003.checkpoint", "newspaper.txt"}
    assert (
        checkpoint_hash(other).hex() + " in newspaper.txt (signed by issuer.example/eyuan)" in fork.sentence
    )
    assert f"{checkpoint_hash(FIVE[2]).hex()} in eyuan-000003.checkpoint (signed by" in fork.sentence
    assert kinds(found) == ["signature", "fork"], "the branch that went on is whole but for the fork"


def test_a_fork_without_keys_says_that_its_signatures_were_not_checked() -> None:
    other = signed(evening(3, FIVE[1], reserve_fen=Fen(1)))
    found = audit([*named(FIVE), ("other", other)])
    assert found.status == 1
    assert "signed by issuer.example/eyuan, supervisor.example, not checked" in sentences(found)


def test_two_branches_that_both_go_on_are_forks_at_every_evening_and_nothing_else() -> None:
    other = [signed(evening(3, FIVE[1], reserve_fen=Fen(1)))]
    other.append(signed(evening(4, other[0], reserve_fen=Fen(2))))
    found = audit([*named(FIVE), ("a", other[0]), ("b", other[1])], KEYS)
    assert kinds(found) == ["fork", "fork"]


@pytest.mark.parametrize(
    ("left_out", "said"),
    [({3}, "epoch 3 is missing between"), ({2, 3, 4}, "epochs 2 to 4 are missing between")],
)
def test_a_gap_names_the_evenings_that_are_missing(left_out: set[int], said: str) -> None:
    found = audit([pair for epoch, pair in enumerate(named(FIVE), 1) if epoch not in left_out], KEYS)
    assert kinds(found) == ["gap"]
    assert said in sentences(found)


def test_a_chain_without_its_beginning_is_a_gap() -> None:
    found = audit(named(FIVE)[2:], KEYS)
    assert kinds(found) == ["gap"]
    assert checkpoint_hash(FIVE[1]).hex() in sentences(found)


def test_a_chain_that_starts_at_another_evening_is_told() -> None:
    found = audit([("seven", signed(evening(7)))], KEYS)
    assert found.status == 0
    assert [told.kind for told in found.chains[0].told] == ["start"]


def test_a_note_that_follows_another_one_than_the_one_there_is_found() -> None:
    found = audit(replaced(5, signed(evening(5, FIVE[0]))), KEYS)
    assert kinds(found) == ["previous"]
    assert checkpoint_hash(FIVE[0]).hex() in sentences(found)
    assert checkpoint_hash(FIVE[3]).hex() in sentences(found)


def test_a_later_note_that_follows_none_is_found() -> None:
    found = audit(replaced(5, signed(evening(5))), KEYS)
    assert kinds(found) == ["previous"]
    assert "no note before it, but there is epoch 4" in sentences(found)
    found = audit([named(FIVE)[0], ("five", signed(evening(5)))], KEYS)
    assert kinds(found) == ["gap", "previous"]


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"instant": FIRST + timedelta(days=4, seconds=-1)}, "backwards", "the instant goes back"),
        ({"journal_sequence": 3_999}, "backwards", "the journal goes back from 4,000 to 3,999"),
        ({"journal_sequence": 4_000}, "backwards", "another hash at the same place, 4,000"),
        ({"unit": "HKD"}, "unit", "the unit changes from CNY to HKD"),
        ({"accounts": 13}, "accounts", "13 accounts where 14 were"),
    ],
)
def test_what_may_not_go_back_or_change_is_found(changes: dict[str, object], kind: str, said: str) -> None:
    found = audit(replaced(5, signed(evening(5, FIVE[3], **changes))), KEYS)
    assert kinds(found) == [kind]
    assert said in sentences(found)


def test_what_stays_the_same_is_no_fault() -> None:
    before = evening(4, FIVE[2])
    same = {
        "instant": before.instant,
        "journal_sequence": before.journal_sequence,
        "journal_hash": before.journal_hash,
        "accounts": before.accounts,
    }
    assert audit(replaced(5, signed(evening(5, FIVE[3], **same))), KEYS).status == 0


def test_a_draft_after_a_law_and_a_reserve_too_small_are_told_and_are_no_faults() -> None:
    last = signed(evening(5, FIVE[3], law_is_draft=True, reserve_fen=Fen(99)))
    found = audit(replaced(5, last), KEYS)
    assert found.status == 0
    assert {told.kind for told in found.chains[0].told} == {"law", "reserve"}
    assert "0.99 CNY, less than the total of" in "".join(told.sentence for told in found.chains[0].told)


def test_two_coins_of_one_origin_are_two_chains() -> None:
    other = signed(evening(1, coin="ehkd", unit="HKD"))
    found = audit([*named(FIVE), ("ehkd", other)], KEYS)
    assert found.status == 0
    assert [each.coin for each in found.chains] == ["ehkd", "eyuan"]


def test_a_missing_signature_names_who_and_where() -> None:
    found = audit(replaced(5, signed(evening(5, FIVE[3]), [ISSUER])), KEYS)
    assert kinds(found) == ["signature"]
    assert "epoch 5 (eyuan-000005.checkpoint): supervisor.example has not signed" in sentences(found)


def test_copies_are_one_note_with_the_signatures_of_all() -> None:
    stated = evening(5, FIVE[3])
    copies = [("a", signed(stated, [ISSUER])), ("b", signed(stated, [SUPERVISOR, WITNESS]))]
    found = audit([*named(FIVE[:4]), *copies], KEYS)
    last = found.chains[0].links[-1]
    assert found.status == 0
    assert last.files == ("a", "b")
    assert verify_signatures(last.note, [*KEYS, WITNESS.verifier_key])


def test_a_copy_with_a_wrong_signature_is_named_and_cannot_spoil_the_good_one() -> None:
    foreign = FIVE[0].split("\n\n")[1]
    bad = f"{evening(5, FIVE[3]).text()}\n{foreign}"
    found = audit([*named(FIVE), ("mirror", bad)], KEYS)
    assert kinds(found) == ["signature", "signature"]
    assert "mirror: the signature of issuer.example/eyuan does not fit" in sentences(found)
    assert verify_signatures(found.chains[0].links[-1].note, KEYS)


def test_a_name_signed_twice_with_one_key_is_found() -> None:
    line = FIVE[4].split("\n")[-2]
    found = audit(replaced(5, f"{FIVE[4]}{line}\n"), KEYS)
    assert "supervisor.example has signed twice" in sentences(found)


def test_after_a_change_of_key_either_key_of_the_owner_is_enough() -> None:
    new_key = signer_of("supervisor.example.new").private_key
    new = type(SUPERVISOR)(SUPERVISOR.name, new_key)
    notes = [*FIVE[:4], signed(evening(5, FIVE[3]), [ISSUER, new])]
    assert audit(named(notes), KEYS).status == 1
    assert audit(named(notes), [*KEYS, new.verifier_key]).status == 0


def test_a_line_that_is_no_key_is_an_error() -> None:
    with pytest.raises(ProofError, match="is not a verifier key"):
        audit([], ["nonsense"])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "has no end"),
        (b"\x00\xff\xfe" * 9, "UTF-8"),
        (b"a" * 65_537, "larger than 65,536 bytes"),
        (FIVE[0].replace("\n", "\r\n").encode(), "origin"),
        (FIVE[0].encode()[:-1], "has no end"),
        ("\ud800", "UTF-8"),
    ],
)
def test_what_is_no_note_is_named_and_the_rest_is_still_audited(data: bytes | str, said: str) -> None:
    found = audit([("what\x1b[2J\u202e.checkpoint", data), *named(FIVE)], KEYS)
    assert found.status == 2
    assert said in found.unreadable[0].sentence
    assert found.unreadable[0].sentence.isprintable()
    assert len(found.chains[0].links) == 5


def unreadable_day(note: str, signers: Sequence[Signer] = (ISSUER,)) -> str:
    """Return *note* with the 31st of February for its day, signed by *signers*: no checkpoint, and a statement."""
    text = re.sub("instant [0-9-]{10}", "instant 2027-02-31", note.partition("\n\n")[0]) + "\n"
    lines = [
        f"— {each.name} {b64encode(each.key_hash + each.private_key.sign(text.encode())).decode()}\n"
        for each in signers
    ]
    return f"{text}\n{''.join(lines)}"


def test_a_signed_note_of_a_day_that_does_not_exist_is_a_fork_of_the_evening_that_it_names() -> None:
    other = unreadable_day(FIVE[2].replace("custodian", "other"))
    found = audit([*named(FIVE), ("other", other)], KEYS)
    assert found.status == 1
    assert "is a day that does not exist" in found.unreadable[0].sentence
    assert kinds(found) == ["fork"]
    assert (
        "beside epoch 3 (eyuan-000003.checkpoint) there is other, which says that it is this epoch, "
        "cannot be read, and is signed by issuer.example/eyuan; keep both files" in sentences(found)
    )
    assert found.chains[0].faults[0].files == ("eyuan-000003.checkpoint", "other")


@pytest.mark.parametrize(
    "other",
    [
        unreadable_day(FIVE[2], []),
        unreadable_day(FIVE[2], [WITNESS]),
        unreadable_day(FIVE[2]).replace("custodian", "other"),
        FIVE[2].replace("\n", "\r\n"),
    ],
)
def test_a_note_that_cannot_be_read_and_that_nobody_signed_is_told_beside_its_evening(other: str) -> None:
    found = audit([*named(FIVE), ("other", other)], KEYS)
    (told,) = found.chains[0].told
    assert (found.status, kinds(found), told.kind) == (2, [], "unreadable")
    assert "beside epoch 3 (eyuan-000003.checkpoint) there is other" in told.sentence


def test_a_note_that_cannot_be_read_and_is_of_no_evening_there_is_unreadable_alone() -> None:
    for other in (
        unreadable_day(FIVE[2]).replace("epoch 3", "epoch 9"),
        unreadable_day(FIVE[2]).replace("coin eyuan", "coin ehkd"),
        unreadable_day(FIVE[2]).replace("epoch 3", "epoch three"),
        FIVE[2][:-1],  # a copy cut off below its text is no other note
    ):
        found = audit([*named(FIVE), ("other", other)], KEYS)
        assert (found.status, kinds(found), found.chains[0].told) == (2, [], ())


CAPITAL = Signer("Issuer.example/eyuan", ISSUER.private_key)


def under_another_spelling(unit: str = "CNY") -> str:
    return signed(evening(1, origin=CAPITAL.name, unit=unit), [CAPITAL, SUPERVISOR])


def test_one_key_that_signs_for_two_spellings_of_an_origin_is_a_fault_of_both_chains() -> None:
    notes = [*named(FIVE), ("other", under_another_spelling())]
    for ring in (KEYS[:1], [CAPITAL.verifier_key], [*KEYS, CAPITAL.verifier_key]):
        found = audit(notes, ring)
        assert found.status == 1
        for each in found.chains:
            said = [fault.sentence for fault in each.faults if fault.kind == "origin"]
            assert (
                "one key signed checkpoints of two origins for one coin, eyuan CNY: "
                "of Issuer.example/eyuan (epoch 1, other) as Issuer.example/eyuan and "
                "of issuer.example/eyuan (epoch 1, eyuan-000001.checkpoint) as issuer.example/eyuan"
            ) in said
    supervised = audit(notes, KEYS[1:])
    assert kinds(supervised) == ["origin", "origin"]
    assert "as supervisor.example" in sentences(supervised)


def test_two_origins_that_two_keys_signed_are_two_chains() -> None:
    stranger = signer_of("Issuer.example/eyuan")
    notes = [
        ("one", signed(evening(1), [ISSUER])),
        ("two", signed(evening(1, origin=stranger.name), [stranger])),
    ]
    found = audit(notes, [ISSUER.verifier_key, stranger.verifier_key])
    assert kinds(found) == ["signature", "signature"]
    forged = notes[1][1].split("\n\n")[0] + "\n\n" + notes[0][1].split("\n\n")[1]
    assert "origin" not in kinds(audit([notes[0], ("forged", forged)], KEYS[:1]))
    other_unit = under_another_spelling(unit="HKD")
    assert "origin" not in kinds(audit([notes[0], ("other", other_unit)], KEYS[:1]))


def test_two_origins_are_told_without_a_key_and_are_no_fault_then() -> None:
    found = audit([*named(FIVE), ("other", under_another_spelling())])
    assert found.status == 3
    assert [told.kind for each in found.chains for told in each.told] == ["origin", "origin"]
    assert found.chains[0].told[0].sentence.endswith("as supervisor.example (not checked)")


def test_a_fault_outweighs_what_cannot_be_read() -> None:
    assert audit([("x", b"x"), *named(FIVE)[1:]], KEYS).status == 1


@given(st.text())
def test_a_name_is_shown_without_anything_a_terminal_acts_upon(name: str) -> None:
    assert shown(name).isprintable()
    assert shown("第5期.checkpoint") == "第5期.checkpoint"


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_other_text_in_the_chain_is_found(data: st.DataObject) -> None:
    """One changed byte anywhere in a note is a fault or no note; it never passes."""
    epoch = data.draw(st.integers(1, 5))
    raw = bytearray(FIVE[epoch - 1].encode())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    notes = [(name, bytes(raw) if at == epoch else note) for at, (name, note) in enumerate(named(FIVE), 1)]
    assert audit(notes, KEYS).status in (1, 2)


def test_hundreds_of_notes_for_one_evening_are_one_fork_told_in_one_line() -> None:
    forks = [(f"n{number}", evening(1, reserve_fen=Fen(number)).text()) for number in range(300)]
    (only,) = audit(forks).chains
    (fork,) = only.faults
    assert len(fork.files) == 300
    assert "and 297 more" in fork.sentence
    assert len(fork.sentence) < 1_000


def test_a_signature_below_a_key_of_small_order_fits_nothing() -> None:
    """OpenSSL takes such a signature; the verifier does not, and the chain answers as the verifier."""
    neutral = (1).to_bytes(32, "little")
    key_hash = sha256(b"nobody\n\x01" + neutral).digest()[:4]
    public = b64encode(b"\x01" + neutral).decode()
    key = f"nobody+{key_hash.hex()}+{public}"
    line = b64encode(key_hash + neutral + bytes(32)).decode()
    note = f"{evening(1).text()}\n— nobody {line}\n"
    assert kinds(audit([("a", note)], [key])) == ["signature", "signature"]
    with pytest.raises(ProofError):
        verify_signatures(note, [key])


def test_merging_copies_unites_their_signatures() -> None:
    stated = evening(1)
    first, second = signed(stated, [ISSUER, WITNESS]), signed(stated, [SUPERVISOR, WITNESS])
    united = merge(first, second)
    assert united.startswith(first)
    assert verify_signatures(united, [*KEYS, WITNESS.verifier_key])
    assert merge(united, second) == merge(united, stated.text()) == united
    assert merge(stated.text(), stated.text()) == stated.text()


def test_merging_refuses_two_checkpoints_and_two_signatures_with_one_key() -> None:
    with pytest.raises(ProofError, match="two checkpoints and not copies"):
        merge(FIVE[0], FIVE[1])
    bad = f"{evening(1).text()}\n{FIVE[1].split(chr(10) * 2)[1]}"
    with pytest.raises(ProofError, match=r"two signatures of issuer\.example/eyuan with one key"):
        merge(FIVE[0], bad)
    with pytest.raises(ProofError, match="checkpoint line"):
        merge(FIVE[0], "x\n")


def test_the_limit_is_the_verifiers() -> None:
    assert chain.SIZE_LIMIT == 64 * 1_024


def test_the_chain_and_the_verifier_agree_on_the_signatures_of_every_vector() -> None:
    compared = 0
    for path in sorted(FOLDER.glob("*/*.json")):
        vector = json.loads(path.read_text("utf-8"))
        try:
            note = json.loads(vector["proof"])["checkpoint"]
            text, _, signatures = verify_jiaozi.read_note(note)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, StepError):
            continue
        for key in vector["keys"]:
            try:
                verify_jiaozi.check_signatures(text, signatures, [key])
                wanted = 0
            except StepError as step:
                wanted = step.args[1]
            try:
                wrong = [
                    fault
                    for fault in audit([("a", note)], [key]).chains[0].faults
                    if fault.kind == "signature"
                ]
                found = 1 if wrong else 0
            except ProofError:
                found = 2
            assert found == wanted, path.name
            compared += 1
    assert compared > 50
