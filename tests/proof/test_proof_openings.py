"""The sampled audit: drawn buckets are made again, and what does not hold is found and said."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from jiaozi.errors import ProofError
from jiaozi.money import Fen
from jiaozi.proof import plain
from jiaozi.proof.auditing.openings import Audit, audit, check_opening, opening_text
from jiaozi.proof.auditing.sampling import draw
from jiaozi.proof.auditing.statement import file_name, read_statement, statement_text
from jiaozi.proof.plain import Level, levels_above
from jiaozi.proof.tree import Tree, build
from jiaozi.proof.verify_jiaozi import FAILS, UNREADABLE, StepError
from tests.proof.proof_vectors import MASTER, checkpoint_of, signed, signer_of
from tests.proof.sampled import BALANCES, DEALT, NOTE, RANDOM, TREE

AUDITOR = signer_of("auditor.example/sampling")
OPENINGS = {number: opening_text(TREE, BALANCES, number, NOTE) for number in range(5)}
OTHER_RANDOM = next(f"round {i}" for i in range(99) if draw(NOTE, f"round {i}", 2) != draw(NOTE, RANDOM, 2))
HALF, THREE_QUARTERS = Fraction(1, 2), Fraction(3, 4)


def audited(
    openings: dict[int, str],
    note: str = NOTE,
    *,
    share: Fraction = HALF,
    confidence: Fraction = THREE_QUARTERS,
) -> Audit:
    named = [(f"bucket-{number}", text.encode()) for number, text in openings.items()]
    return audit(named, note, public_random=RANDOM, share=share, confidence=confidence)


def drawn() -> dict[int, str]:
    """Return the openings of a draw of two ordinary buckets of four, and of the wholesale bucket."""
    return {number: OPENINGS[number] for number in draw(NOTE, RANDOM, 2)}


def changed(number: int, change: Callable[[dict[str, Any]], object]) -> str:
    opening = json.loads(OPENINGS[number])
    change(opening)
    return json.dumps(opening, ensure_ascii=False, separators=(",", ":")) + "\n"


@pytest.mark.parametrize("number", range(5))
def test_every_opening_leads_to_the_root(number: int) -> None:
    opened = check_opening(OPENINGS[number], NOTE)
    assert (opened.number, opened.above_share) == (number, 0)
    assert opened.wholesale.tolist() == (DEALT.accounts.tolist() if number == 4 else [])


def test_an_audit_of_what_was_drawn_holds() -> None:
    found = audited(drawn())
    assert found.holds
    assert len(found.buckets) == len(found.digests) == 3
    assert str(found.chance) == "0.833333"
    ordinary = [number for number in found.buckets if number < 4]
    away = [account for account in DEALT.accounts.tolist() if account % 4 not in ordinary]
    assert found.accounts == sum(len(range(number, 13_000, 4)) for number in ordinary) + len(away)
    everything = audited(OPENINGS, share=Fraction(1, 100), confidence=Fraction(99, 100))
    assert (everything.holds, everything.accounts, str(everything.chance)) == (True, 13_000, "1.000000")


def test_a_missing_opening_and_one_too_many_are_named() -> None:
    some = drawn()
    first = next(iter(some))
    del some[first]
    assert f"1 of 3 buckets drawn were not opened: {first}" in audited(some).findings
    other = next(number for number in range(4) if number not in drawn())
    assert audited(drawn() | {other: OPENINGS[other]}).findings == (
        f"bucket-{other}: bucket {other} was not drawn",
    )
    assert audited(drawn() | {99: OPENINGS[first]}).findings == (f"bucket-99: bucket {first} is there twice",)
    assert not audited({}).holds


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda o: o["balances"].__setitem__(0, "1"), "do not add up"),
        (lambda o: o.update(bucket_sum="1"), "do not add up"),
        (lambda o: o["balances"].__setitem__(slice(0, 2), [o["balances"][1], o["balances"][0]]), "root"),
        (lambda o: o["accounts"].__setitem__(0, "5"), "not those of bucket 1"),
        (lambda o: o["accounts"].pop(), "has 3,249 accounts, not 3,250"),
        (lambda o: o["balances"].pop(), "has 3,249 balances, not 3,250"),
        (lambda o: o.update(accounts=[], balances=[], nonces="A"), "0 accounts"),
        (lambda o: o.update(nonces="AAAA"), "Base64"),
        (lambda o: o.update(nonces="B" + o["nonces"][1:]), "root"),
        (lambda o: o.update(bucket="2"), "not those of bucket 2"),
        (lambda o: o.update(bucket="9"), "not one of the 5 buckets"),
        (lambda o: o.update(checkpoint="0" * 64), "another checkpoint"),
        (lambda o: o["above"].pop(), "steps"),
        (lambda o: o["above"][1][0].update(sum="0"), "lead to"),
        (lambda o: o["balances"].__setitem__(0, str(2**63 - 1)), r"2\^63"),
        (lambda o: o["balances"].__setitem__(0, str(2**63)), "balances"),
        (lambda o: o["balances"].__setitem__(0, 5), "balances"),
        (lambda o: o["balances"].__setitem__(0, "-5"), "balances"),
        (lambda o: o.update(names=["Li"]), "exactly the keys"),
        (lambda o: o.pop("nonces"), "exactly the keys"),
        (lambda o: o.update(accounts="x"), "not a list"),
    ],
)
def test_a_changed_opening_is_refused_in_words(
    change: Callable[[dict[str, Any]], object], words: str
) -> None:
    with pytest.raises(ProofError, match=words):
        check_opening(changed(1, change), NOTE)


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00" * 10, "[" * 1_000, " " * 600_000, "{}\n", "\ud800"])
def test_what_is_no_opening_is_refused(text: str) -> None:
    with pytest.raises(ProofError, match="opening"):
        check_opening(text, NOTE)


def test_wholesale_accounts_out_of_order_or_unknown_are_refused() -> None:
    def swapped(opening: dict[str, Any]) -> None:
        for name in ("accounts", "balances"):
            opening[name][0], opening[name][1] = opening[name][1], opening[name][0]

    for change in (swapped, lambda o: o["accounts"].__setitem__(-1, "13000")):
        with pytest.raises(ProofError, match="not in their order"):
            check_opening(changed(4, change), NOTE)


def note_of(tree: Tree) -> str:
    return signed(checkpoint_of(tree))


def test_a_bucket_that_states_less_than_it_has_is_caught() -> None:
    # The tree above is right; the bucket's sum is one fen less than its leaves.
    sums = TREE.levels[0].sums.copy()
    sums[1] -= np.uint64(1)
    lying = replace(TREE, levels=tuple(levels_above(Level(sums[:5], TREE.levels[0].hashes[:5]))))
    note = note_of(lying)

    def lie(opening: dict[str, Any]) -> None:
        from jiaozi.proof.checkpoint import checkpoint_hash
        from jiaozi.proof.silent import above_text

        opening["checkpoint"] = checkpoint_hash(note).hex()
        opening["above"] = above_text(lying, 1)
        opening["bucket_sum"] = str(int(sums[1]))

    with pytest.raises(ProofError, match="do not add up to the sum of the bucket"):
        check_opening(changed(1, lie), note)


def test_an_account_that_stands_out_is_a_finding_among_the_ordinary_and_told_among_wholesale() -> None:
    balances = BALANCES.copy()
    balances[0] = 10**9
    tree = build(balances, master=MASTER, epoch=7, executor=plain)
    note = note_of(tree)
    found = audited(
        {n: opening_text(tree, balances, n, note) for n in range(4)}, note, confidence=Fraction(99, 100)
    )
    assert "bucket 0: 1 stand out with more than the share allows" in found.findings
    tree = build(balances, master=MASTER, epoch=7, wholesale=DEALT.accounts, executor=plain)
    note = note_of(tree)
    found = audited(
        {n: opening_text(tree, balances, n, note) for n in range(5)}, note, confidence=Fraction(99, 100)
    )
    assert (found.holds, found.above_share) == (True, 1)
    assert found.told == ("wholesale bucket 4: 1 stand out with more than the share allows",)


def test_a_wholesale_account_with_a_balance_in_both_places_is_found() -> None:
    # The issuer's own program would not do this: the buckets are made as if nobody were wholesale.
    ordinary = plain.buckets_of(BALANCES, master=MASTER, epoch=7, wholesale=DEALT.accounts[:0])
    seconds = TREE.levels[0]
    level = Level(
        np.concatenate([ordinary.sums, seconds.sums[4:5]]),
        np.concatenate([ordinary.hashes, seconds.hashes[4:5]]),
    )
    both = replace(TREE, levels=tuple(levels_above(level)))
    note = note_of(both)
    plain_tree = build(BALANCES, master=MASTER, epoch=7, executor=plain)
    from jiaozi.proof.checkpoint import checkpoint_hash
    from jiaozi.proof.silent import above_text

    def opening(number: int) -> str:
        source = plain_tree if number < 4 else TREE
        made = json.loads(opening_text(source, BALANCES, number, note_of(plain_tree) if number < 4 else NOTE))
        made |= {"checkpoint": checkpoint_hash(note).hex(), "above": above_text(both, number)}
        return json.dumps(made, separators=(",", ":")) + "\n"

    found = audited({number: opening(number) for number in range(5)}, note, confidence=Fraction(99, 100))
    assert "13 wholesale accounts have a balance in their ordinary bucket too" in found.findings


def empty_note(**changes: Any) -> str:
    empty = build(np.zeros(0, dtype=np.uint64), master=MASTER, epoch=7, executor=plain)
    return signed(replace(checkpoint_of(empty), **changes))


def test_without_accounts_the_total_is_0_and_the_root_that_of_an_empty_tree() -> None:
    assert audited({}, empty_note()).holds
    for changes in ({"total_fen": Fen(1), "reserve_fen": Fen(1)}, {"root": bytes(32)}):
        note = empty_note(**changes)
        found = audited({}, note)
        assert found.findings == (
            "there are no accounts, so the total has to be 0 and the root that of an empty tree",
        )
        text = statement_text(found, AUDITOR)
        assert read_statement(text, [AUDITOR.verifier_key], note=note).values["result"] == "does not hold"
        praise = statement_text(replace(found, findings=()), AUDITOR)
        with pytest.raises(StepError, match="says that it holds, but there are no accounts") as step:
            read_statement(praise, [AUDITOR.verifier_key], note=note)
        assert step.value.args[1] == FAILS


def huge_note() -> str:
    """Return a checkpoint of four million million accounts, a quarter of them wholesale."""
    return signed(replace(checkpoint_of(TREE), accounts=4 * 10**12, wholesale=10**12, depth=16))


def test_a_statement_about_more_buckets_than_anybody_opens_cannot_be_read() -> None:
    from jiaozi.proof.checkpoint import checkpoint_hash

    note = huge_note()
    values: dict[str, Any] = {
        "checkpoint": checkpoint_hash(note).hex(),
        "ordinary_buckets": "976562500",
        "chance": "0.750000",
        "buckets": ["0", "1"],
        "openings": ["0" * 64] * 2,
    }
    with pytest.raises(StepError, match="states 244,140,625 wholesale buckets") as step:
        read_statement(stated(**values), [AUDITOR.verifier_key], note=note)
    assert step.value.args[1] == UNREADABLE
    with pytest.raises(ProofError, match="so recompute the whole tree"):
        audited({}, note)


def test_a_statement_is_signed_read_and_has_no_balance() -> None:
    found = audited(drawn())
    text = statement_text(found, AUDITOR)
    said = read_statement(text, [AUDITOR.verifier_key], note=NOTE)
    assert (said.signers, said.is_drawn, said.values["result"]) == ((AUDITOR.name,), True, "holds")
    assert read_statement(text).signers == ()
    assert text == statement_text(found, AUDITOR)
    assert file_name(found, "auditor.example/a b") == "eyuan-000007.auditor.example-a-b.audit.json"
    for account in DEALT.accounts.tolist():
        assert str(int(BALANCES[account])) not in text
    assert "balance" not in text
    assert "nonce" not in text


def test_a_statement_about_an_audit_that_failed_says_so() -> None:
    some = drawn()
    del some[next(iter(some))]
    said = read_statement(statement_text(audited(some), AUDITOR), [AUDITOR.verifier_key], note=NOTE)
    assert said.values["result"] == "does not hold"
    assert said.values["findings"]


def stated(**changes: Any) -> str:
    """Return a statement with *changes*, signed anew by the same auditor."""
    values = json.loads(statement_text(audited(drawn()), AUDITOR)) | changes
    del values["signature"]
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n"
    signature = AUDITOR.private_key.sign(text.encode())
    values["signature"] = base64.b64encode(AUDITOR.key_hash + signature).decode()
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n"


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"chance": "0.999999"}, FAILS, "the probability is 0.833333"),
        ({"result": "does not hold"}, FAILS, "not what the findings say"),
        ({"openings": []}, FAILS, "digest for every bucket"),
        ({"buckets": ["0", "4"], "openings": ["0" * 64] * 2}, FAILS, "its sample asks for 2"),
        ({"buckets": ["0", "0", "4"]}, FAILS, "in their order"),
        ({"epoch": "8"}, FAILS, "another checkpoint"),
        ({"random": OTHER_RANDOM}, FAILS, "not those that the random value draws"),
        ({"random": " "}, UNREADABLE, "random value"),
        ({"share": "0"}, UNREADABLE, "percentage"),
        ({"share": "...."}, UNREADABLE, "percentage"),
        ({"buckets": "x"}, UNREADABLE, "not a list"),
        ({"more": "x"}, UNREADABLE, "exactly the keys"),
    ],
)
def test_a_statement_that_contradicts_itself_or_the_checkpoint_is_refused(
    changes: dict[str, Any], status: int, words: str
) -> None:
    with pytest.raises(StepError, match=words) as step:
        read_statement(stated(**changes), [AUDITOR.verifier_key], note=NOTE)
    assert step.value.args[1] == status


def test_a_statement_that_was_changed_or_signed_by_another_is_refused() -> None:
    text = statement_text(audited(drawn()), AUDITOR)
    with pytest.raises(StepError, match="does not fit the audit statement"):
        read_statement(text.replace('"accounts":"', '"accounts":"1'), [AUDITOR.verifier_key])
    with pytest.raises(StepError, match="has not signed the audit statement"):
        read_statement(text, [signer_of("somebody.example").verifier_key])
    for wrong in ("", "{}\n", text + text, text.replace(",", ", ", 1), "[" * 500):
        with pytest.raises(StepError, match="audit statement"):
            read_statement(wrong)


def test_many_findings_odd_names_and_brackets_still_make_a_statement_that_can_be_read() -> None:
    odd = [(f"\udc80\n[{{[{number}", b"[" * 300) for number in range(250)]
    public_random = "[" * 900
    found = audit(odd, NOTE, public_random=public_random, share=HALF, confidence=THREE_QUARTERS)
    text = statement_text(found, AUDITOR)
    said = read_statement(text.encode(), [AUDITOR.verifier_key], note=NOTE)
    assert len(said.values["findings"]) == 101
    assert said.values["findings"][-1] == "and 151 more"
    assert said.values["findings"][0].startswith("??[{[0: the opening")
