"""The whole way of a proof, on a ledger that goes on paying: cut, build, two signatures, publish, three verifiers."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jiaozi.bank import EXAMPLES
from jiaozi.cli import main
from tests.proof.page_in_browser import Question, Tab, ask, opened
from tests.world import COIN, World, found, order

pytestmark = pytest.mark.browser


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = found(tmp_path / "office")
    order(world, "JZ-2026-000001", "Distributor", 30_000_000_00)
    world.office.take_statement(EXAMPLES / "2026-12-15-morning.camt053.xml", COIN)
    world.pay("Distributor", "Wang", 3_000_00)
    yield world
    world.office.close()


@contextmanager
def paying(world: World) -> Iterator[None]:
    """Let payments run, one after the other, as long as the `with` lasts."""
    stop, paid = threading.Event(), threading.Semaphore(0)

    def pay() -> None:
        while not stop.is_set():
            world.clock.advance(1)
            world.pay("Distributor", "Zhao", 1)
            paid.release()

    thread = threading.Thread(target=pay)
    thread.start()
    try:
        assert paid.acquire(timeout=60)
        yield
    finally:
        stop.set()
        thread.join()


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    status = main(words)
    return status, capsys.readouterr().out


def test_a_holder_checks_what_two_have_signed_and_three_verifiers_agree(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office, site, keys_folder = world.office, tmp_path / "site", world.office.folder / "keys"
    keys = [office.signer(role).verifier_key for role in ("issuer", "supervisor")]
    named = [word for key in keys for word in ("--key", key)]

    # The issuer closes two evenings while payments run, and signs alone.
    with paying(world):
        notes = [office.close_day(COIN, roles=["issuer"]).note_path for _ in range(2)]

        # The supervisor believes nobody: he folds the journal from its first frame, compares, and signs.
        for note in notes:
            status, told = run(
                capsys, "prove", "recompute", "--journal", str(office.folder), "--checkpoint", str(note),
                "--master", str(keys_folder / "master.key"), "--share", "10",
                "--sign", str(keys_folder / "supervisor.pem"), "--name", "jiaozi.example/supervisor",
            )  # fmt: skip
            assert status == 0, told
            assert "equal      reserve fen" in told

        # What is not so is not signed, whichever line of the checkpoint it is.
        for line, lie in (
            ("in force" if "in force" in notes[0].read_text("utf-8") else " draft", " in force"),
            ("\nprevious none", f"\nprevious {'ab' * 32}"),
            (" CNY\n", " USD\n"),
            ("\ninstant 2026", "\ninstant 2031"),
            ("bank statements of the day", "an auditor's word"),
            ("jiaozi/pujiang-pay/", "jiaozi/Pujiang-pay/"),
        ):
            text = notes[0].read_text("utf-8").split("\n\n")[0] + "\n"
            false = tmp_path / "false.checkpoint"
            false.write_text(text.replace(line, lie, 1), "utf-8")
            assert false.read_text("utf-8") != text, line
            status, told = run(
                capsys, "prove", "recompute", "--journal", str(office.folder), "--checkpoint", str(false),
                "--master", str(keys_folder / "master.key"),
                "--sign", str(keys_folder / "supervisor.pem"), "--name", "jiaozi.example/supervisor",
            )  # fmt: skip
            assert (status, "NOT equal" in told, "NOT signed" in told) == (1, True, True), lie

        assert run(capsys, "publish", str(site), "--folder", str(office.folder))[0] == 0
        proof = office.proof(COIN, world.holders["Wang"])

    # The chain that was published is whole; with a second note of one epoch beside it, it is a fork.
    status, told = run(capsys, "checkpoint", "audit", str(site / "checkpoints"), *named)
    assert (status, "fork" in told) == (0, False)
    other = notes[1].read_text("utf-8").split("\n\n")[0].replace("\nreserve ", "\nreserve 1", 1) + "\n"
    (tmp_path / "shown-to-others.checkpoint").write_text(other, "utf-8")
    status, told = run(
        capsys, "checkpoint", "audit", str(site / "checkpoints"), str(tmp_path / "shown-to-others.checkpoint")
    )
    assert status == 1
    assert "fork" in told

    # Three verifiers give the same words for the proof and for the one that somebody altered.
    (tmp_path / "proof.json").write_text(proof, "utf-8")
    altered = proof.replace('"balance":"300000"', '"balance":"300001"')
    assert altered != proof
    (tmp_path / "altered.json").write_text(altered, "utf-8")
    with contextmanager(opened)() as browser, Tab(browser, address=(site / "verify.html").as_uri()) as page:
        for name, status, start in (
            ("proof.json", 0, "Holds: your 3,000.00 CNY is one of"),
            ("altered.json", 1, "Does not hold: the path does not lead to the root of the checkpoint."),
        ):
            path = tmp_path / name
            alone = subprocess.run(
                [sys.executable, "-I", "-S", str(site / "verify_jiaozi.py"), str(path), *named, "--json"],
                capture_output=True,
                encoding="utf-8",
            )
            answers = [json.loads(alone.stdout)]
            code, told = run(capsys, "verify", str(path), *named, "--json")
            answers.append(json.loads(told))
            (shown,) = ask(page, [Question(path.read_bytes(), keys)])
            answers.append({**shown._asdict(), "ladder": [list(step) for step in shown.ladder]})
            assert alone.returncode == code == shown.status == status
            assert answers[0] == answers[1] == answers[2]
            assert shown.sentence.startswith(start)
