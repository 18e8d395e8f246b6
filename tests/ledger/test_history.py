"""The history says what happened, sealed or not, at every cut between the two."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi.clock import NS_PER_SECOND, Instant
from jiaozi.errors import JournalError
from jiaozi.ledger.history import account_lines
from jiaozi.ledger.history.asked import Cursor
from jiaozi.ledger.history.reading import History, Page
from jiaozi.ledger.history.rows import OUT, RELEASED_ROW, entries_of
from jiaozi.ledger.history.sealing import seal
from jiaozi.ledger.results import Result
from tests.ledger.history_world import ACCOUNTS, START, Happened, HistoryWorld


@pytest.fixture
def world(tmp_path: Path) -> HistoryWorld:
    world = HistoryWorld.found(tmp_path / "journal")
    world.fill(60)
    return world


def told(page: Page) -> list[Happened]:
    """Return *page* in the words of the world."""
    found = []
    for place, row in enumerate(page.rows):
        is_released = row["kind"] == RELEASED_ROW
        sign = -1 if page.is_out[place] else 1
        found.append(
            Happened(
                int(row["frame"]), int(row["row"]), int(row["instant"]),
                (int(row["id_lo"]), int(row["id_hi"])), int(row["debit"]), int(row["credit"]),
                int(row["amount"]), None if is_released else Result(int(row["result"])),
                sign * int(page.change[place]), int(page.reserved[place]),
                _note(page.notes.get(place, "")), _words(page.bits(place)), page.law_digest(place),
            )
        )  # fmt: skip
    return found


def _note(text: str) -> str:
    return text.removeprefix('{"text":"').removesuffix('"}')


def _words(bits: tuple[int, ...]) -> tuple[int, ...]:
    return (*bits, *[0] * (2 - len(bits))) if bits else ()


def seal_up_to(world: HistoryWorld, units: int) -> int:
    """Seal *units* segments, each as a unit of its own; return how many were there to seal."""

    def enough() -> bool:
        folder = world.folder / "history"
        return len(list(folder.glob("0*"))) >= units

    return len(seal(world.folder, unit_bytes=1, should_stop=enough).units)


def test_every_row_of_every_account_is_told_whether_it_is_sealed_or_not(world: HistoryWorld) -> None:
    segments = len(list(world.folder.glob("*.jzj")))
    assert segments > 5
    for units in range(segments):
        seal_up_to(world, units)
        with History(world.folder) as history:
            assert len(history.units) == 0
            for account in range(ACCOUNTS):
                assert told(history.account_transfers(account)) == world.of(account)
            assert len(history.units) == units


def test_pages_join_at_every_limit_in_both_directions(world: HistoryWorld) -> None:
    seal_up_to(world, 4)
    expected = world.of(4)
    with History(world.folder) as history:
        for limit in (1, 2, 3, 7, 50):
            for newest_first in (False, True):
                found: list[Happened] = []
                after = None
                while True:
                    page = history.account_transfers(4, after=after, limit=limit, newest_first=newest_first)
                    found += told(page)
                    after = page.next
                    if after is None:
                        break
                    assert len(page) == limit
                assert found == (expected[::-1] if newest_first else expected)


def test_a_cursor_stays_good_when_what_it_points_into_is_sealed_meanwhile(world: HistoryWorld) -> None:
    expected = world.of(3)
    with History(world.folder) as history:
        for place in range(len(expected)):
            first = told(history.account_transfers(3, limit=place + 1))
            after = Cursor.of(str(Cursor(first[-1].frame, first[-1].row)))
            seal_up_to(world, place)
            assert first + told(history.account_transfers(3, after=after)) == expected


def test_filters_leave_what_they_name(world: HistoryWorld) -> None:
    seal_up_to(world, 5)
    rows = world.of(2)
    half = rows[len(rows) // 2].instant
    with History(world.folder) as history:
        out = told(history.account_transfers(2, only="out"))
        assert out == [row for row in rows if row.debit == 2]
        came = told(history.account_transfers(2, only="in"))
        assert came == [row for row in rows if row.credit == 2 and row.debit != 2]
        refused = history.account_transfers(2, results=[Result.REFUSED_BY_LAW], limit=2)
        assert told(refused) == [row for row in rows if row.result is Result.REFUSED_BY_LAW][:2]
        assert told(history.account_transfers(2, with_released=False)) == [
            r for r in rows if r.result is not None
        ]
        since = told(history.account_transfers(2, since=Instant(half)))
        until = told(history.account_transfers(2, until=Instant(half), newest_first=True))
        assert since == [row for row in rows if row.instant >= half]
        assert until[::-1] == [row for row in rows if row.instant < half]


def test_a_balance_is_what_stood_there_then(world: HistoryWorld) -> None:
    instants = sorted({row.instant for row in world.happened})
    for units in (0, 3, 99):
        seal_up_to(world, units)
        with History(world.folder) as history:
            for instant in (START - 1, *instants[::5], instants[-1] + NS_PER_SECOND):
                expected = world.balances(until=instant + 1)
                for account in range(ACCOUNTS):
                    found = history.balance_at(account, Instant(instant))
                    assert (found.balance, found.pending_out, found.pending_in) == expected[account]
                every = history.balances_at(Instant(instant))
                table = zip(*(every[name].tolist() for name in every), strict=True)
                assert {row[0]: row[1:] for row in table if row[0] < ACCOUNTS} == {
                    account: expected[account] for account in every["account"].tolist() if account < ACCOUNTS
                }


def test_running_balances_end_in_the_balance(world: HistoryWorld) -> None:
    seal_up_to(world, 4)
    with History(world.folder) as history:
        for account in range(ACCOUNTS):
            for newest_first in (False, True):
                page, balances = history.account_balances(account, newest_first=newest_first, limit=30)
                for place in range(len(page)):
                    cursor = page.cursor(place)
                    kept = [row for row in world.happened if (row.frame, row.row) <= cursor]
                    expected = HistoryWorld(world.folder, world.journal, world.random, happened=kept).balance(
                        account
                    )
                    found = balances[place]
                    assert (found.balance, found.pending_out, found.pending_in) == expected


def test_an_id_is_found_where_it_was_decided(world: HistoryWorld) -> None:
    seal_up_to(world, 5)
    some = world.happened[::7]
    with History(world.folder) as history:
        ids = [row.id for row in some]
        found = history.lookup([*ids, (2**64 - 1, 5)])
        by_id = {(int(row["id_lo"]), int(row["id_hi"])) for row in found.rows}
        assert by_id == set(ids)
        assert (found.rows["kind"] != RELEASED_ROW).all()
        assert len(history.lookup([])) == 0


def test_the_page_of_an_account_shows_the_newest_first(world: HistoryWorld) -> None:
    unsealed = account_lines(world.folder, 1)
    seal_up_to(world, 99)
    sealed = account_lines(world.folder, 1)
    assert sealed == unsealed
    rows = world.of(1)[::-1][:50]
    assert any(line.has_timed_out for line in sealed)
    said = [
        (None if line.has_timed_out else line.result, line.amount_fen, line.law_digest) for line in sealed
    ]
    assert said == [(row.result, row.amount, row.law) for row in rows]
    assert [line.instant for line in sealed] == [row.instant + row.row for row in rows]
    assert [line.other for line in sealed] == [row.credit if row.debit == 1 else row.debit for row in rows]


def test_an_account_that_never_moved_has_an_empty_page(world: HistoryWorld) -> None:
    seal_up_to(world, 2)
    with History(world.folder) as history:
        assert len(history.account_transfers(4_000_000_000)) == 0
        assert history.balance_at(4_000_000_000, Instant(world.now)).balance == 0


def test_an_empty_journal_has_no_history(tmp_path: Path) -> None:
    tmp_path.joinpath("journal").mkdir()
    with History(tmp_path / "journal") as history:
        assert len(history.account_transfers(1)) == 0
        assert len(history.balances_at(Instant(START))["account"]) == 0
    assert seal(tmp_path / "journal").units == ()


@pytest.mark.parametrize(
    "asked",
    [
        {"account": -1},
        {"account": 2**32 - 1},
        {"account": 1, "limit": 0},
        {"account": 1, "limit": 8_190},
        {"account": 1, "only": "sideways"},
        {"account": 1, "results": [99]},
    ],
)
def test_what_cannot_be_asked_is_refused(world: HistoryWorld, asked: dict[str, int]) -> None:
    with History(world.folder) as history, pytest.raises(ValueError, match=r".+"):
        history.account_transfers(**asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "1", "1.", ".1", "-1.1", "1.1.1", "1e3.1", "9" * 30 + ".1", "1.9999999999", "１.1", "1.1\n"]
)
def test_a_broken_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no place in the history"):
        Cursor.of(text)


def test_frames_that_are_not_durable_yet_are_not_shown(world: HistoryWorld) -> None:
    with History(world.folder, durable=lambda: 10) as history:
        assert told(history.account_transfers(4)) == [row for row in world.of(4) if row.frame <= 10]


def test_a_history_that_stays_open_sees_what_is_written_and_sealed_meanwhile(tmp_path: Path) -> None:
    world = HistoryWorld.found(tmp_path / "journal")
    with History(world.folder) as history:
        for units in range(12):
            world.fill(5)
            if units % 3 == 2:
                seal_up_to(world, units // 2)
            for account in range(ACCOUNTS):
                assert told(history.account_transfers(account)) == world.of(account)
            assert history.balance_at(1, Instant(world.now)).balance == world.balance(1)[0]
    world.journal.close()


def test_memory_of_the_tail_has_an_end(world: HistoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jiaozi.ledger.history.tail.MAX_REMEMBERED", 20)
    with History(world.folder) as history:
        for _ in range(2):
            for account in range(ACCOUNTS):
                assert told(history.account_transfers(account)) == world.of(account)
        assert 20 <= history._tail._transfers < 60


def test_a_remembered_frame_is_checked_again_when_it_is_read(world: HistoryWorld) -> None:
    with History(world.folder) as history:
        history.account_transfers(1)
        row = world.of(1)[0]
        segment = [path for path in sorted(world.folder.glob("*.jzj")) if int(path.stem) <= row.frame][-1]
        data = bytearray(segment.read_bytes())
        data[len(data) // 2] ^= 1
        segment.write_bytes(data)
        with pytest.raises(JournalError, match=segment.name):
            [history.account_transfers(account) for account in range(ACCOUNTS)]


def test_another_journal_at_the_same_path_has_a_page_of_its_own(tmp_path: Path) -> None:
    for seed in (1, 2):
        world = HistoryWorld.found(tmp_path / "journal", seed)
        world.now += seed
        world.fill(10)
        world.journal.close()
        shown = [line.id for line in account_lines(world.folder, 4)]
        assert len(shown) == len([row for row in world.of(4) if row.result is not None][-50:])
        lines = account_lines(world.folder, 4)
        assert [line.amount_fen for line in lines] == [
            row.amount for row in world.of(4)[::-1] if row.result is not None
        ]
        (tmp_path / "journal").rename(tmp_path / f"old{seed}")


def test_a_history_of_another_journal_is_noticed(world: HistoryWorld, tmp_path: Path) -> None:
    seal_up_to(world, 3)
    other = HistoryWorld.found(tmp_path / "other", seed=2)
    other.fill(60)
    (tmp_path / "other" / "history").symlink_to(world.folder / "history")
    with (
        History(tmp_path / "other") as history,
        pytest.raises(JournalError, match=r"follow what was sealed|numbered"),
    ):
        history.account_transfers(1)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), units=st.integers(0, 12))
def test_any_journal_sealed_anywhere_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, units: int
) -> None:
    world = HistoryWorld.found(tmp_path_factory.mktemp("any") / "journal", seed, segment_bytes=1_500)
    world.fill(20)
    seal_up_to(world, units)
    with History(world.folder) as history:
        for account in range(ACCOUNTS):
            assert told(history.account_transfers(account)) == world.of(account)
            found = history.balance_at(account, Instant(world.now))
            assert (found.balance, found.pending_out, found.pending_in) == world.balance(account)
    world.journal.close()


def test_entries_of_no_rows_are_none() -> None:
    from jiaozi.ledger.history.rows import ROW

    empty = entries_of(np.zeros(0, dtype=ROW), np.zeros(0, dtype=np.int64))
    assert len(empty) == 0
    assert OUT == 0
