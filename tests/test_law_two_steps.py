"""`jiaozi law enact` in two steps: what one key has prepared, another checks, signs and enacts."""

from __future__ import annotations

import base64
import shutil
import tomllib
from datetime import date
from pathlib import Path

import pytest

from jiaozi.cli import main
from jiaozi.clock import moment_of
from jiaozi.commands.law_document import first_hash, signed
from jiaozi.commands.law_enact import completed, enacted
from jiaozi.errors import FactError, NotReady, ProofError
from jiaozi.office import Office
from jiaozi.proof import keys
from jiaozi.proof.verify_jiaozi import check_signatures
from jiaozi.rulebook.reading.read import with_reform
from tests.law_keys import NAMES, keyed, ready, signers, words, written
from tests.ledger.test_shadow import cap
from tests.world import World, at, found


@pytest.fixture
def world(tmp_path: Path) -> World:
    return keyed(tmp_path / "office")


@pytest.mark.parametrize("first", list(NAMES))
def test_what_one_has_prepared_the_other_enacts(world: World, first: str) -> None:
    second = next(role for role in NAMES if role != first)
    with world.office:
        before = world.office.book
        content = ready(world, role=first)
        path, receipt, first_day = completed(world.office, content, world.office.signer(second))
        assert first_day == date(2026, 12, 20)
        assert world.office.book.digest == with_reform(before, "lower-cap", cap(1_000, "2026-12-20")).digest
        verifier_keys = [world.office.verifier_key(role) for role in (first, second)]
    assert path.name == f"{receipt.sequence}-lower-cap.txt"
    text, _, lines = path.read_text(encoding="utf-8").partition("\n\n")
    assert content.startswith(f"{text}\n\n"), "both have signed the same lines"
    marks = [line.removeprefix("\u2014 ").split(" ") for line in lines.splitlines()]
    signatures = [(name, base64.b64decode(data)) for name, data in marks]
    assert check_signatures(f"{text}\n", signatures, verifier_keys) == [NAMES[first], NAMES[second]]


def test_a_file_that_was_changed_after_it_was_signed_is_refused_wherever_it_was_changed(world: World) -> None:
    """Whatever one character becomes, nothing is enacted."""
    with world.office:
        content, issuer = ready(world), world.office.signer("issuer")
        sequence = world.office.ledger.sequence
        for at_character in range(0, len(content), 7):
            new = "x" if content[at_character] != "x" else "y"
            changed = content[:at_character] + new + content[at_character + 1 :]
            with pytest.raises(ProofError):
                completed(world.office, changed, issuer)
        with pytest.raises(ProofError, match="text of the reform is not the one"):
            completed(world.office, content.replace("t4 = 1000", "t4 = 2000"), issuer)
        with pytest.raises(ProofError, match="changed after it was signed"):
            completed(world.office, content.replace("first_day 2026", "first_day 2027"), issuer)
        assert world.office.ledger.sequence == sequence
        assert not (world.office.folder / "enacted").exists()


@pytest.mark.parametrize(
    "content", ["", "\n\n\n\n", "jiaozi law enacted\nreform x\n\n\u2014 a b\n\n", cap(1_000)]
)
def test_what_nobody_has_prepared_is_refused_with_the_way_to_prepare_it(world: World, content: str) -> None:
    with world.office, pytest.raises(ProofError, match="--prepare FILE"):
        completed(world.office, content, world.office.signer("issuer"))


def test_the_second_key_is_another_one_and_known(world: World, tmp_path: Path) -> None:
    supervisor = world.office.folder / "keys" / "supervisor.pem"
    with world.office:
        content = ready(world)
        for who in NAMES.values():
            with pytest.raises(ProofError, match="both signatures would be of one key"):
                completed(world.office, content, keys.load(supervisor, who))
        stranger = keys.create(tmp_path / "stranger.pem", NAMES["issuer"])
        with pytest.raises(ProofError, match="neither the issuer's nor the supervisor's"):
            completed(world.office, content, stranger)


def test_the_first_key_is_known_too(world: World, tmp_path: Path) -> None:
    stranger = keys.create(tmp_path / "stranger.pem", NAMES["supervisor"])
    with world.office:
        content = ready(world, signer=stranger)
        with pytest.raises(ProofError, match="neither the issuer's nor the supervisor's"):
            completed(world.office, content, world.office.signer("issuer"))


def test_a_day_that_has_come_meanwhile_is_refused(world: World) -> None:
    with world.office:
        content = ready(world)
        world.clock.set(at("2026-12-20 00:00"))
        with pytest.raises(FactError, match="from 2026-12-20 on, and it is 2026-12-20 00:00 already"):
            completed(world.office, content, world.office.signer("issuer"))
        with pytest.raises(FactError, match="already"):
            ready(world)


def test_a_law_that_was_enacted_meanwhile_is_refused(world: World) -> None:
    with world.office:
        content = ready(world)
        enacted(world.office, "other", cap(900, "2026-12-30"), signers(world))
        sequence = world.office.ledger.sequence
        with pytest.raises(FactError, match="another was enacted meanwhile"):
            completed(world.office, content, world.office.signer("issuer"))
        assert world.office.ledger.sequence == sequence


def test_what_was_completed_once_is_not_completed_again(world: World) -> None:
    with world.office:
        content = ready(world)
        completed(world.office, content, world.office.signer("issuer"))
        with pytest.raises(FactError, match="is the law of this office already"):
            completed(world.office, content, world.office.signer("issuer"))


def test_what_was_prepared_for_one_office_is_no_law_in_another_with_the_same_keys_and_law(
    world: World, tmp_path: Path
) -> None:
    other = found(tmp_path / "rehearsal", start="2026-12-14 08:00")
    shutil.copytree(world.office.folder / "keys", tmp_path / "rehearsal" / "keys", dirs_exist_ok=True)
    with world.office, other.office:
        assert other.office.book.digest == world.office.book.digest
        content = ready(other)
        sequence = world.office.ledger.sequence
        with pytest.raises(ProofError, match=r"prepared for the office [0-9a-f]{16}, and this one is"):
            completed(world.office, content, world.office.signer("issuer"))
        assert world.office.ledger.sequence == sequence
        assert not (world.office.folder / "enacted").exists()
        path, _, _ = completed(other.office, content, other.office.signer("issuer"))
        assert f"office {first_hash(other.office.folder / 'journal')}" in path.read_text()


def test_the_lines_say_when_they_were_signed(world: World) -> None:
    with world.office:
        content, signed_at = ready(world), world.clock()
        world.clock.set(at("2026-12-18 09:00"))
        path, _, _ = completed(world.office, content, world.office.signer("issuer"))
    assert f"\nprepared {moment_of(signed_at).isoformat()}\n" in path.read_text()


def test_what_is_prepared_on_a_restored_backup_is_enacted_in_the_office(world: World, tmp_path: Path) -> None:
    backup, restored, to = tmp_path / "backup", tmp_path / "restored", tmp_path / "lower-cap.signed"
    file = written(tmp_path, 1_000, "2099-01-01")
    with world.office:
        assert main(["backup", str(world.office.folder), str(backup)]) == 0
        assert main(["restore", str(backup), str(restored)]) == 0
        given = [
            str(restored) if word == str(world.office.folder) else word
            for word in words(world, file, "issuer")
        ]
        assert main([*given, "--prepare", str(to)]) == 0
        assert world.pay("Li", "Tea house", 1_00)[0] == "created"
        _, _, first_day = completed(world.office, to.read_text(), world.office.signer("supervisor"))
    assert first_day == date(2099, 1, 1)


NO_NAMES = (
    "",
    ".",
    "..",
    "a/b",
    "a/../../evil",
    "-a",
    "Lower",
    "lower cap",
    "lower-cap\r",
    "x\x1b[31m",
    "n" * 65,
    "é",
)


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_cannot_name_a_file_is_refused_before_anybody_signs(world: World, name: str) -> None:
    with world.office:
        with pytest.raises(ProofError, match="cannot be called") as told:
            ready(world, name=name)
        assert str(told.value).isprintable()
        with pytest.raises(ProofError, match="cannot be called"):
            enacted(world.office, name, cap(1_000, "2026-12-20"), signers(world))
        assert not (world.office.folder / "enacted").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        *(("reform lower-cap", f"reform {name}", "cannot be called") for name in NO_NAMES),
        ("prepared 2026", "prepared \x1b[31m2026", "cannot be shown"),
        ("prepared 2026", "prepared yesterday 2026", "no instant"),
        ("\noffice ", "\noffice \x1b[2J", "cannot be shown"),
        ("\noffice ", "\noffice x", "prepared for the office x"),
        ("+08:00", "", "no instant"),
    ],
)
def test_a_file_that_the_first_has_made_otherwise_is_refused_although_he_has_signed_it(
    world: World, old: str, new: str, said: str
) -> None:
    """Whoever signs first may write what he likes: the second key does not sign it."""
    with world.office:
        supervisor = world.office.signer("supervisor")
        lines, _, rest = ready(world).partition("\n\n")
        text = rest.partition("\n\n")[2]
        changed = f"{lines}\n".replace(old, new)
        assert changed != f"{lines}\n"
        with pytest.raises(ProofError, match=said):
            completed(world.office, f"{signed(changed, [supervisor])}\n{text}", world.office.signer("issuer"))
        assert not (world.office.folder / "enacted").exists()


@pytest.mark.parametrize("name", ["a", "0", "2027-07-lower-tier-4", "n" * 64, "a.b"])
def test_a_plain_name_is_taken(world: World, name: str) -> None:
    with world.office:
        path, receipt, _ = completed(world.office, ready(world, name=name), world.office.signer("issuer"))
        assert path.name == f"{receipt.sequence}-{name}.txt"


def test_the_second_signer_is_shown_what_is_signed_before_it_is(world: World) -> None:
    text = cap(1_000, "2026-12-20")
    title = tomllib.loads(text)["reform"]["title"]["en"]
    seen: list[tuple[str, bool]] = []
    with world.office:
        folder = world.office.folder / "enacted"
        with pytest.raises(ProofError, match="neither"):
            completed(
                world.office, ready(world), keys.create(folder.parent / "no.pem", "no.example"), show=print
            )
        completed(
            world.office,
            ready(world, text=text.replace(title, f"{title}\\u001b[2J")),
            world.office.signer("issuer"),
            show=lambda told: seen.append((told, folder.exists())),
        )
        digest = world.office.book.digest.hex()
    ((told, was_signed),) = seen
    assert not was_signed
    for each in (f"{title}?[2J", "2026-12-20", f"{digest} draft", "lower-cap", NAMES["supervisor"]):
        assert each in told
    assert told.replace("\n", "").isprintable()


def test_nothing_is_shown_of_what_will_not_be_signed(world: World) -> None:
    seen: list[str] = []
    with world.office:
        content = ready(world)
        world.clock.set(at("2026-12-20 00:00"))
        with pytest.raises(FactError):
            completed(world.office, content, world.office.signer("issuer"), show=seen.append)
    assert not seen


# -- when it cannot be recorded ----------------------------------------------


def test_a_document_is_called_pending_while_nobody_knows_that_it_is_law(world: World) -> None:
    """The journal is closed once all is checked: both have signed, and no frame tells of it."""
    with world.office:
        content, sequence = ready(world), world.office.ledger.sequence
        issuer, close = world.office.signer("issuer"), world.office.ledger.close
        with pytest.raises(NotReady):
            completed(world.office, content, issuer, show=lambda _: close())
    folder = world.office.folder / "enacted"
    assert [path.name for path in folder.iterdir()] == ["pending-lower-cap.txt"]
    with Office.open(world.office.folder, clock=world.clock) as again:
        assert again.ledger.sequence == sequence
        _, receipt, _ = completed(again, content, again.signer("issuer"))
    assert [path.name for path in folder.iterdir()] == [f"{receipt.sequence}-lower-cap.txt"]
