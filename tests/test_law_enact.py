"""`jiaozi law enact`, `jiaozi law shadow`: a reform tried, then law with two keys from a day to come."""

from __future__ import annotations

import base64
import json
from datetime import date
from pathlib import Path

import pytest

from jiaozi.cli import main
from jiaozi.clock import ManualClock
from jiaozi.commands.law_document import first_hash
from jiaozi.commands.law_enact import enacted
from jiaozi.errors import FactError, JournalBusy, ProofError, RulebookError
from jiaozi.ledger.restart import restart
from jiaozi.office import Office
from jiaozi.proof import keys
from jiaozi.proof.verify_jiaozi import check_signatures
from jiaozi.rulebook.reading.read import with_reform
from tests.law_keys import NAMES, keyed, signers, words, written
from tests.ledger.test_shadow import cap
from tests.world import World, at, found


@pytest.fixture
def world(tmp_path: Path) -> World:
    return keyed(tmp_path / "office")


def test_the_law_changes_on_the_day_and_not_a_second_before(world: World) -> None:
    before = world.office.book
    with world.office:
        path, receipt, first_day = enacted(
            world.office, "lower-cap", cap(1_000, "2026-12-20"), signers(world)
        )
        assert first_day == date(2026, 12, 20)
        assert world.office.book.digest != before.digest
        assert world.office.book.is_draft, "a draft stays one, whoever signs it"
        world.clock.set(at("2026-12-19 23:59:59"))
        assert world.pay("Li", "Tea house", 1_000_01)[0] == "created"
        world.clock.set(at("2026-12-20 00:00"))
        assert world.pay("Li", "Tea house", 1_000_01) == ("refused_by_law", ("cn-sh.pay/single_cap",))
        assert world.pay("Li", "Tea house", 1_000_00)[0] == "created"
        digest = world.office.ledger.at_cut(lambda state, _: state.digest())
    assert path.name == f"{receipt.sequence}-lower-cap.txt"
    assert restart(world.office.folder / "journal", anew=True).state.digest() == digest


def test_the_document_says_what_was_enacted_and_both_have_signed_it(world: World) -> None:
    before = world.office.book
    with world.office:
        head = world.office.ledger.at_cut(lambda _, receipt: receipt)
        path, _, _ = enacted(world.office, "lower-cap", cap(1_000, "2026-12-20"), signers(world))
        after = world.office.book
        verifier_keys = [signer.verifier_key for signer in signers(world)]
    text, _, lines = path.read_text(encoding="utf-8").partition("\n\n")
    stated = dict(line.split(" ", 1) for line in text.splitlines())
    assert stated["law_before"] == f"{before.digest.hex()} draft"
    assert stated["law_after"] == f"{after.digest.hex()} draft"
    assert stated["first_day"] == "2026-12-20"
    assert stated["journal"] == f"{head.sequence} {head.hash.hex()}"
    marks = [line.removeprefix("\u2014 ").split(" ") for line in lines.splitlines()]
    signatures = [(name, base64.b64decode(data)) for name, data in marks]
    assert check_signatures(f"{text}\n", signatures, verifier_keys) == list(NAMES.values())


@pytest.mark.parametrize("day", ["2026-12-02", "2026-12-14", "2026-12-15"])
def test_a_law_that_has_begun_already_is_refused_with_its_day(world: World, day: str) -> None:
    with world.office:
        sequence, folder = world.office.ledger.sequence, world.office.folder
        with pytest.raises(FactError, match=f"from {day} on, and it is 2026-12-15 08:00 already"):
            enacted(world.office, "lower-cap", cap(1_000, day), signers(world))
        assert world.office.ledger.sequence == sequence
        assert not (folder / "enacted").exists()


def test_one_change_of_several_that_is_too_early_refuses_them_all(world: World) -> None:
    second = cap(900, "2026-12-15").partition("[[change]]")[2].replace("limit.single", "limit.day")
    text = f"{cap(1_000, '2027-01-01')}\n[[change]]{second}"
    with world.office, pytest.raises(FactError, match="from 2026-12-15 on"):
        enacted(world.office, "lower-cap", text, signers(world))


def test_where_the_ledger_is_ahead_of_the_clock_its_time_counts(world: World) -> None:
    with world.office:
        world.clock.set(at("2026-12-21 10:00"))
        assert world.pay("Li", "Tea house", 1_00)[0] == "created"
        world.office.clock = ManualClock(at("2026-12-15 10:00"))
        with pytest.raises(FactError, match="it is 2026-12-21 10:00 already"):
            enacted(world.office, "lower-cap", cap(1_000, "2026-12-20"), signers(world))


def test_one_key_twice_is_one_key(world: World) -> None:
    path = world.office.folder / "keys" / "issuer.pem"
    same = [keys.load(path, NAMES["issuer"]), keys.load(path, NAMES["supervisor"])]
    with world.office, pytest.raises(ProofError, match="both signatures would be of one key"):
        enacted(world.office, "lower-cap", cap(1_000, "2026-12-20"), same)


def test_a_key_of_somebody_else_is_refused(world: World, tmp_path: Path) -> None:
    stranger = keys.create(tmp_path / "stranger.pem", NAMES["supervisor"])
    issuer = world.office.signer("issuer")
    with world.office, pytest.raises(ProofError, match="neither the issuer's nor the supervisor's"):
        enacted(world.office, "lower-cap", cap(1_000, "2026-12-20"), [issuer, stranger])


def test_an_office_that_knows_no_supervisor_says_where_to_name_him(tmp_path: Path) -> None:
    world = found(tmp_path / "office")
    with world.office:
        pair = [world.office.signer("issuer"), keys.create(tmp_path / "far.pem", "supervisor.example")]
        with pytest.raises(ProofError, match=r"no key of its supervisor.*supervisor\.vkey"):
            enacted(world.office, "lower-cap", cap(1_000, "2026-12-20"), pair)
        line = world.office.folder / "keys" / "supervisor.vkey"
        line.write_text(f"{pair[1].verifier_key}\n")
        assert enacted(world.office, "lower-cap", cap(1_000, "2026-12-20"), pair)[2] == date(2026, 12, 20)


def test_a_reform_that_cannot_be_read_or_changes_nothing_is_refused(world: World) -> None:
    with world.office:
        sequence = world.office.ledger.sequence
        with pytest.raises(RulebookError, match=r"lower-cap\.toml:\d+"):
            enacted(world.office, "lower-cap", cap(1_000, "2026-12-20").replace("t4", "t9"), signers(world))
        head = cap(1_000, "2026-12-20").partition("[[change]]")[0]
        with pytest.raises(FactError, match="changes nothing"):
            enacted(world.office, "lower-cap", head, signers(world))
        assert world.office.ledger.sequence == sequence


def test_a_reform_is_enacted_once(world: World) -> None:
    with world.office:
        enacted(world.office, "lower-cap", cap(1_000, "2026-12-20"), signers(world))
        with pytest.raises(RulebookError, match="takes part already"):
            enacted(world.office, "lower-cap", cap(1_000, "2026-12-20"), signers(world))


def test_enacting_ends_the_shadow_of_the_law_before(world: World, tmp_path: Path) -> None:
    file = written(tmp_path, 1_000, "2026-12-20")
    folder = world.office.folder
    with world.office:
        assert main(["law", "shadow", str(file), "--folder", str(folder)]) == 0
        shadow = world.office.shadow().shadow
        assert shadow is not None
        assert shadow.is_running
        enacted(world.office, "lower-cap", file.read_text(), signers(world))
        assert "another law was enacted" in world.office.shadow().trouble
        assert not shadow.is_running
    with Office.open(folder, clock=world.clock) as again:
        assert "another law was enacted" in again.shadow().trouble


# -- on the command line ------------------------------------------------------


def test_the_command_needs_two_keys(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world.office.close()
    assert main(words(world, written(tmp_path, 1_000, "2099-01-01"), "issuer")) == 2
    assert "two keys enact a law" in capsys.readouterr().err


def test_the_command_enacts(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world.office.close()
    file = written(tmp_path, 1_000, "2099-01-01")
    assert main([*words(world, file, "supervisor", "issuer"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["first_day"] == "2099-01-01"
    assert told["is_draft"]
    assert Path(told["document"]).read_text().count("\u2014 jiaozi.example/") == 2
    assert restart(world.office.folder / "journal", anew=True).state.law.digest.hex() == told["law_digest"]


def test_the_command_prepares_beside_an_open_office_and_completes(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, to = written(tmp_path, 1_000, "2099-01-01"), tmp_path / "lower-cap.signed"
    with world.office:
        assert main([*words(world, file, "supervisor"), "--prepare", str(to)]) == 0
    assert "not law yet" in capsys.readouterr().out
    content = to.read_text()
    assert f"office {first_hash(world.office.folder / 'journal')}" in content
    assert main([*words(world, file, "supervisor"), "--prepare", str(to)]) == 2
    assert "not overwritten" in capsys.readouterr().err
    assert to.read_text() == content
    given = [word for word in words(world, file, "issuer") if word != str(file)]
    assert main([*given, "--complete", str(to), "--json"]) == 0
    printed = capsys.readouterr()
    assert "The second key signs:" in printed.err
    told = json.loads(printed.out)
    assert told["first_day"] == "2099-01-01"
    assert restart(world.office.folder / "journal", anew=True).state.law.digest.hex() == told["law_digest"]


@pytest.mark.parametrize(
    ("roles", "more", "said"),
    [
        (("issuer", "supervisor"), ["REFORM", "--prepare", "to"], "one key signs"),
        (("issuer",), ["REFORM", "--complete", "to"], "it has the text"),
        (("issuer",), ["--prepare", "to"], "name the reform"),
        (("issuer",), ["REFORM", "--prepare", "a", "--complete", "b"], "one of them"),
        (("issuer",), ["--complete", "nowhere"], "cannot be read"),
        (("issuer",), ["REFORM"], "let one sign with --prepare"),
    ],
)
def test_words_that_do_not_go_together_are_told_so(
    world: World,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    roles: tuple[str, ...],
    more: list[str],
    said: str,
) -> None:
    world.office.close()
    file = written(tmp_path, 1_000, "2099-01-01")
    given = [word for word in words(world, file, *roles) if word != str(file)]
    assert main([*given, *(str(file) if word == "REFORM" else word for word in more)]) == 2
    assert said in capsys.readouterr().err
    assert not (world.office.folder / "enacted").exists()


def test_the_command_says_when_the_office_is_open(world: World, tmp_path: Path) -> None:
    with world.office:
        file = written(tmp_path, 1_000, "2099-01-01")
        assert main(words(world, file, "supervisor", "issuer")) == 1
        with pytest.raises(JournalBusy):
            Office.open(world.office.folder)


def test_a_shadow_is_started_told_and_stopped(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, file = str(world.office.folder), written(tmp_path, 1_000, "2026-12-14")
    with world.office:
        assert world.office.shadow().shadow is None
        assert main(["law", "shadow", "--folder", folder]) == 0
        assert "No reform was tried here" in capsys.readouterr().out
        assert main(["law", "shadow", str(file), "--folder", folder, "--json"]) == 0
        started = json.loads(capsys.readouterr().out)
        assert (
            started["reform_digest"]
            == with_reform(world.office.book, "lower-cap", file.read_text()).digest.hex()
        )
        assert main(["law", "shadow", "--folder", folder]) == 0
        assert "lower-cap waits" in capsys.readouterr().out
        shadow = world.office.shadow().shadow
        assert shadow is not None
        assert world.pay("Li", "Tea house", 1_500_00)[0] == "created"
        shadow.catch_up()
        assert main(["law", "shadow", "--folder", folder, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["placed"], told["asked"]) == ("lower-cap", 1)
        assert told["newly_refused"]["by_reason"] == [
            {"reason": "cn-sh.pay/single_cap", "count": 1, "amount_fen": "150000"}
        ]
        assert told["newly_refused"]["by_action"] == [{"action": "pay", "count": 1, "amount_fen": "150000"}]
        assert main(["law", "shadow", "--folder", folder, "--stop"]) == 0
        assert world.office.shadow().shadow is None
        assert not shadow.is_running
        assert main(["law", "shadow", "--folder", folder]) == 0
        assert "not asked any more" in capsys.readouterr().out


def test_a_reform_that_does_not_read_with_the_law_there_is_refused(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(cap(1_000).replace("t4", "t9"))
    with world.office:
        assert main(["law", "shadow", str(file), "--folder", str(world.office.folder)]) == 1
        assert "wrong.toml:" in capsys.readouterr().err
        assert not (world.office.folder / "shadow").exists()


def test_an_office_opens_whatever_stands_in_the_file(world: World) -> None:
    world.office.close()
    path = world.office.folder / "shadow" / "reform.toml"
    path.parent.mkdir()
    for content in (b"", b"\xff\xfe", b"# a shadow of jiaozi: {}\n", b"# a shadow of jiaozi: []"):
        path.write_bytes(content)
        with Office.open(world.office.folder, clock=ManualClock(at("2026-12-15 10:00"))) as office:
            shown = office.shadow()
            assert shown.shadow is None
            assert "jiaozi law shadow" in shown.trouble


def test_a_backup_holds_the_documents_that_both_signed(world: World, tmp_path: Path) -> None:
    with world.office:
        path, _, _ = enacted(world.office, "lower-cap", cap(1_000, "2026-12-20"), signers(world))
    backup, restored = tmp_path / "backup", tmp_path / "restored"
    assert main(["backup", str(world.office.folder), str(backup)]) == 0
    assert main(["restore", str(backup), str(restored)]) == 0
    assert (restored / "enacted" / path.name).read_text() == path.read_text()
