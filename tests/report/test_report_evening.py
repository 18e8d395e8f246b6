"""The evening: cut at one instant while payments go on, signed once, proven on demand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from jiaozi.bank import EXAMPLES
from jiaozi.errors import JournalError, ProofError
from jiaozi.ledger.ledger import Ledger
from jiaozi.proof import verify_jiaozi
from jiaozi.proof.checkpoint import parse
from jiaozi.report.cut import cut_beside, cut_of_journal, reconcile, take_cut
from jiaozi.report.evenings import Evenings
from tests.world import COIN, World, found, order


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The Distributor has 30,000,000.00 and has paid Wang and Zhao."""
    world = found(tmp_path)
    order(world, "JZ-2026-000001", "Distributor", 30_000_000_00)
    world.office.take_statement(EXAMPLES / "2026-12-15-morning.camt053.xml", COIN)
    world.pay("Distributor", "Wang", 3_000_00)
    world.pay("Distributor", "Zhao", 700_00)
    yield world
    world.office.close()


def keys_of(world: World) -> list[str]:
    return [world.office.signer(role).verifier_key for role in ("issuer", "supervisor")]


def test_a_holder_checks_his_balance_of_the_evening_whatever_he_pays_in_the_morning(world: World) -> None:
    world.office.close_day(COIN)
    world.pay("Wang", "Tea house", 1_000_00)
    answer = verify_jiaozi.check(world.office.proof(COIN, world.holders["Wang"]), keys_of(world))
    assert answer.status == verify_jiaozi.HOLDS
    assert "your 3,000.00 CNY is one of" in answer.sentence


def test_a_cut_beside_the_ledger_is_the_cut_between_two_frames(world: World, tmp_path: Path) -> None:
    ledger = world.office.ledger
    direct = take_cut(ledger, COIN, tmp_path / "direct.npy")
    beside = cut_beside(ledger, world.office.folder / "journal", COIN, tmp_path / "beside.npy")
    world.pay("Wang", "Tea house", 1_000_00)
    later = cut_of_journal(
        world.office.folder / "journal",
        direct.head.sequence,
        direct.head.hash,
        COIN,
        tmp_path / "later.npy",
        anew=True,
    )
    for cut in (beside, later):
        assert cut.head == direct.head
        assert cut.overview == direct.overview
        assert np.array_equal(cut.balances, direct.balances)


def test_a_cut_beside_begins_at_a_snapshot_before_it_and_passes_over_newer_ones(
    world: World, tmp_path: Path
) -> None:
    ledger, journal = world.office.ledger, world.office.folder / "journal"
    ledger.snapshot()
    world.pay("Wang", "Tea house", 500_00)
    cut = take_cut(ledger, COIN, tmp_path / "direct.npy")
    world.pay("Wang", "Tea house", 500_00)
    ledger.snapshot()
    beside = cut_of_journal(journal, cut.head.sequence, cut.head.hash, COIN, tmp_path / "beside.npy")
    assert np.array_equal(beside.balances, cut.balances)
    with pytest.raises(JournalError, match="is not the one that was asked for"):
        cut_of_journal(journal, cut.head.sequence, bytes(32), COIN, tmp_path / "wrong.npy")
    with pytest.raises(JournalError, match="the journal ends at frame"):
        cut_of_journal(journal, cut.head.sequence + 1_000, bytes(32), COIN, tmp_path / "wrong.npy")


@pytest.mark.parametrize("is_beside", [False, True])
def test_every_cut_adds_up_while_payments_run(world: World, is_beside: bool) -> None:
    stop, paid, failures = threading.Event(), threading.Semaphore(0), []

    def pay() -> None:
        while not stop.is_set():
            for payer, payee in (("Distributor", "Wang"), ("Wang", "Tea house"), ("Distributor", "Zhao")):
                world.clock.advance(1)
                done = world.pay(payer, payee, 1_00)
                paid.release()
                if done[0] not in ("created", "refused_by_law"):
                    failures.append(done)

    paying = threading.Thread(target=pay)
    paying.start()
    try:
        evenings = []
        for _ in range(4):
            assert paid.acquire(timeout=60)
            evenings.append(world.office.close_day(COIN, is_beside=is_beside))
    finally:
        stop.set()
        paying.join()
    assert not failures
    assert [evening.tree.total_fen for evening in evenings] == [30_000_000_00] * 4
    assert len({evening.cut.head.sequence for evening in evenings}) == 4
    assert len({evening.tree.root for evening in evenings}) == 4


def test_nothing_is_stated_when_the_ways_of_counting_disagree(world: World, tmp_path: Path) -> None:
    cut = take_cut(world.office.ledger, COIN, tmp_path / "balances.npy")
    cut.balances[world.holders["Wang"]] += 1
    with pytest.raises(ProofError, match=r"30,000,000\.00, the balances add up to 30,000,000\.01"):
        reconcile(cut)


def test_a_note_that_a_crash_kept_from_the_journal_is_noted_and_never_signed_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "record", dies)
        with pytest.raises(KeyboardInterrupt):
            world.office.close_day(COIN)
    first = world.office.evenings.note(COIN, 1)
    world.pay("Wang", "Tea house", 1_000_00)
    second = world.office.close_day(COIN)
    assert world.office.evenings.note(COIN, 1) == first
    assert parse(second.note).epoch == 2
    assert world.office.ledger.state.register.coin(COIN).epoch == 2
    assert verify_jiaozi.check(world.office.proof(COIN, 5), keys_of(world)).status == verify_jiaozi.HOLDS


def test_a_note_of_another_history_is_not_signed_over(world: World) -> None:
    path = world.office.close_day(COIN).note_path
    path.rename(world.office.evenings.path(COIN, 2))
    with pytest.raises(ProofError, match="signing another would be a fork"):
        world.office.close_day(COIN)


def test_proofs_come_from_the_files_after_a_restart(world: World) -> None:
    world.office.close_day(COIN)
    again = Evenings(world.office.evenings.folder, lambda: world.office.master)
    wang = world.holders["Wang"]
    assert again.proof(COIN, 1, wang) == world.office.proof(COIN, wang)
    with pytest.raises(ProofError, match="was not open at checkpoint 1"):
        again.proof(COIN, 1, 10**6)
    with pytest.raises(ProofError, match="no checkpoint 2"):
        again.proof(COIN, 2, wang)


@pytest.mark.parametrize("kind", ["balances.npy", "buckets.npy", "wholesale.npy"])
def test_kept_files_that_are_gone_broken_or_anothers_are_refused(world: World, kind: str) -> None:
    world.office.close_day(COIN)
    path = world.office.evenings.path(COIN, 1, kind)
    wang = world.holders["Wang"]
    for content in (None, b"", b"\x93NUMPY and no more", np.lib.format.magic(1, 0)):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        fresh = Evenings(world.office.evenings.folder, lambda: world.office.master)
        with pytest.raises(ProofError, match="cannot be read"):
            fresh.proof(COIN, 1, wang)


def test_balances_that_were_altered_give_no_proof(world: World) -> None:
    world.office.close_day(COIN)
    path = world.office.evenings.path(COIN, 1, "balances.npy")
    balances = np.load(path)
    balances[world.holders["Wang"]] += 1
    np.save(path, balances)
    fresh = Evenings(world.office.evenings.folder, lambda: world.office.master)
    with pytest.raises(ProofError, match="not the balances from which bucket 0"):
        fresh.proof(COIN, 1, world.holders["Wang"])


def test_what_is_private_is_readable_by_its_owner_only(world: World) -> None:
    world.office.close_day(COIN)
    for kind in ("balances.npy", "buckets.npy", "wholesale.npy"):
        assert world.office.evenings.path(COIN, 1, kind).stat().st_mode & 0o077 == 0


def test_two_evenings_at_once_are_closed_one_after_the_other(world: World) -> None:
    notes: list[str] = []
    threads = [
        threading.Thread(target=lambda: notes.append(world.office.close_day(COIN).note)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(parse(note).epoch for note in notes) == [1, 2, 3]
    for note in notes:
        assert world.office.evenings.note(COIN, parse(note).epoch) == note


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda note: note.split("\n\n")[0] + "\n", "none of ours"),
        (lambda note: note.replace("total 3", "total 2"), "none of ours"),
        (lambda _: "no note", "none of ours"),
    ],
)
def test_a_leftover_that_this_office_did_not_sign_is_not_taken_for_its_own(
    world: World, change: Callable[[str], str], said: str
) -> None:
    note = world.office.close_day(COIN).note
    left = note.replace("epoch 1", "epoch 2")
    world.office.evenings.path(COIN, 2).write_text(change(left), encoding="utf-8")
    with pytest.raises(ProofError, match=said):
        world.office.close_day(COIN)
    assert world.office.ledger.state.register.coin(COIN).epoch == 1


def test_a_leftover_that_is_no_text_at_all_is_refused_in_words(world: World) -> None:
    world.office.close_day(COIN)
    world.office.evenings.path(COIN, 2).write_bytes(b"\xff\xfe")
    with pytest.raises(ProofError, match="none of ours"):
        world.office.close_day(COIN)


@pytest.mark.parametrize("secret", ["master.key", "issuer.pem"])
def test_a_secret_that_was_used_and_is_gone_is_not_made_anew(world: World, secret: str) -> None:
    world.office.close_day(COIN)
    (world.office.folder / "keys" / secret).unlink()
    with pytest.raises(ProofError, match="restore it from a backup"):
        world.office.close_day(COIN)
    assert not (world.office.folder / "keys" / secret).exists()


def test_an_office_is_its_owners_alone(tmp_path: Path) -> None:
    with found(tmp_path / "office").office as office:
        assert office.folder.stat().st_mode & 0o077 == 0
        assert (office.folder / "office.sqlite").stat().st_mode & 0o077 == 0
