"""What a summary counts: each payment once, and those of the time that was asked about."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from jiaozi.clock import Instant, ManualClock, day_start
from jiaozi.lab.population.founding import law_of
from jiaozi.lab.replay.replay import Asked, Mode, prepared, replay
from jiaozi.ledger.facts import FreezeLifted, FreezeOrdered
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.payload import Booked
from jiaozi.ledger.posting.two_phase import PENDING, POST, VOID
from jiaozi.ledger.records import AS_PENDING, BOOK, WHOLE
from jiaozi.ledger.restart import prepare
from jiaozi.money import MAX_FEN
from tests.lab.replay.reforms import NOTHING
from tests.lab.replay.worlds import small_town, write_reservations, write_world

DAY = date(2027, 12, 22)
HOUR_NS = 3_600 * 10**9


def counted(journal: Path, work: Path, start: Instant | None, end: Instant | None) -> tuple[int, int]:
    """Return what every mode says alike."""
    found = set()
    for mode in Mode:
        summary = replay(journal, Asked(NOTHING, mode=mode, start=start, end=end), work=work).summary
        found.add((summary.transfers, summary.amount))
    assert len(found) == 1
    return found.pop()


def test_a_reservation_and_its_posting_are_one_payment_of_the_day_it_was_made(tmp_path: Path) -> None:
    """
    On the first day Li reserves 300.00 and 200.00 and pays 50.00; on the second the 300.00 are posted, the
    200.00 are voided, and he pays 70.00.
    """
    journal, work = tmp_path / "journal", tmp_path / "work"
    clock = ManualClock(day_start(DAY))
    with Ledger.open(journal, clock=clock) as ledger:
        li, wang, writer = small_town(ledger, law_of("cn-sh", DAY, DAY + timedelta(days=4)), DAY)
        begun = Instant(day_start(DAY) + HOUR_NS)
        clock.set(begun)
        reserved = [writer.leg(li, wang, 300_00, PENDING), writer.leg(li, wang, 200_00, PENDING)]
        writer.post([*reserved, writer.leg(li, wang, 50_00)])
        next_day = day_start(DAY + timedelta(days=1))
        clock.set(next_day)
        rest = [
            writer.leg(AS_PENDING, AS_PENDING, WHOLE, flag, memo=int(row["id_lo"][0]))
            for flag, row in zip((POST, VOID), reserved, strict=True)
        ]
        for row in rest:
            row["action"] = 0
        writer.post([*rest, writer.leg(li, wang, 70_00)])
    assert counted(journal, work, begun, next_day) == (3, 550_00)
    assert counted(journal, work, next_day, None) == (1, 70_00)
    everything = counted(journal, work, None, None)
    before = counted(journal, work, None, begun)
    assert everything == (before[0] + 4, before[1] + 620_00)
    assert before[0] > 7, "the town was founded"
    month = sum(tally.count for tally in prepared(journal, work).head.tallies if tally.action != BOOK)
    assert month == everything[0]


def test_counts_and_sums_are_those_of_the_journal(tmp_path: Path) -> None:
    for write, seed in ((write_world, 1), (write_world, 2), (write_reservations, 1)):
        journal = write(tmp_path / f"{write.__name__}-{seed}", seed)
        work = tmp_path / f"work-{write.__name__}-{seed}"
        by_frame = []
        for frame in read_frames(journal):
            content = prepare(frame).content
            if isinstance(content, Booked):
                rows = [
                    row for row in content.as_booked() if row["action"] and not row["flags"] & (POST | VOID)
                ]
                amounts = [int(row["amount"]) for row in rows if 0 < row["amount"] <= MAX_FEN]
                by_frame.append((len(rows), sum(amounts)))
        recorded = prepared(journal, work)
        for first in (0, len(by_frame) // 3):
            for last in (len(by_frame) // 2, len(by_frame)):
                part = by_frame[first:last]
                expected = sum(count for count, _ in part), sum(amount for _, amount in part)
                assert recorded.payments(first, last) == expected
        assert recorded.head.transfers >= sum(count for count, _ in by_frame) > 0


def test_frozen_coins_are_those_that_holders_cannot_move_at_the_end_of_a_month(tmp_path: Path) -> None:
    """
    Li and Wang have 5,000.00 each. Wang may pay nothing. Li must keep 400.00, and 700.00 by another order; in
    January he must keep 9,000.00, which he has not; in February all orders are lifted.
    """
    journal = tmp_path / "journal"
    clock = ManualClock(day_start(DAY))
    with Ledger.open(journal, clock=clock) as ledger:
        li, wang, writer = small_town(ledger, law_of("cn-sh", DAY, DAY + timedelta(days=90)), DAY)
        ledger.record(FreezeOrdered(wang, "order 1", "court", True, None))
        ledger.record(FreezeOrdered(li, "order 2", "court", True, 400_00))
        ledger.record(FreezeOrdered(li, "order 3", "court", True, 700_00))
        clock.set(day_start(date(2028, 1, 10)))
        ledger.record(FreezeOrdered(li, "order 4", "court", True, 9_000_00))
        clock.set(day_start(date(2028, 2, 10)))
        for account, number in ((wang, 1), (li, 2), (li, 3), (li, 4)):
            ledger.record(FreezeLifted(account, f"order {number}", "judgment"))
        writer.post([writer.leg(li, wang, 10_00)])
    months = prepared(journal, tmp_path / "work").head.months
    coin = next(iter(months[0].frozen))
    assert [(month.month, month.frozen[coin]) for month in months] == [
        ("2027-12", 5_700_00),
        ("2028-01", 10_000_00),
        ("2028-02", 0),
    ]
    assert all(month.frozen.keys() == month.coins.keys() for month in months)
