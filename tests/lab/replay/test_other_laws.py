"""Recording under laws that are smaller than today's, or grow: facts that are not there, places that come later."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from jiaozi.clock import ManualClock, day_start
from jiaozi.errors import JournalError, NotReady
from jiaozi.lab.population.founding import law_of
from jiaozi.lab.replay.replay import Asked, Mode, prepared, replay
from jiaozi.ledger.facts import LawEnacted
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.journal import Journal
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.records import openings
from jiaozi.rulebook.machine.layout import MISSING
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read
from tests.lab.replay.reforms import NOTHING, limit, tried_text
from tests.lab.replay.worlds import small_town, write_reservations, write_world

DAY = date(2027, 12, 22)
LOW = tried_text(limit("day", "t4 = 400", "2027-12-02"))


def law() -> Book:
    return law_of("cn-sh", DAY, DAY + timedelta(days=4))


def without(book: Book, *facts: str) -> Book:
    """Return *book* without *facts* and what counts them."""
    texts = dict(book.texts)
    head, *tables = texts["facts.toml"].split("\n[[")
    kept = [table for table in tables if not any(f'"{fact}"' in table for fact in facts)]
    assert len(kept) < len(tables)
    texts["facts.toml"] = "\n[[".join([head, *kept])
    return read(texts, drafts=book.drafts)


def with_place(book: Book) -> Book:
    """Return *book* with one more place, on a clock that no other keeps."""
    texts = dict(book.texts)
    texts["places.toml"] += (
        '\n[[place]]\nid = "in"\ntitle = { en = "India", zh = "印度" }\nclock = "Asia/Kolkata"\n'
    )
    return read(texts, drafts=book.drafts)


def test_facts_that_a_smaller_law_does_not_know_are_recorded_as_unknown(tmp_path: Path) -> None:
    journal, work = tmp_path / "journal", tmp_path / "work"
    book = without(law(), "payer.paid_this_month", "payer.balance", "payment.amount_sgd")
    with Ledger.open(journal, clock=ManualClock(day_start(DAY))) as ledger:
        li, wang, writer = small_town(ledger, book, DAY)
        for _ in range(3):
            writer.post([writer.leg(li, wang, 300_00)])
    recorded = prepared(journal, work)
    rows = [row for part, count in enumerate(recorded.head.parts) for row in recorded.read(part, 0, count)]
    assert {int(row["paid_this_month"]) for row in rows} == {MISSING}
    assert {int(row["payer_balance"]) for row in rows} == {MISSING}
    assert {int(row["paid_today"]) for row in rows if row["person"] == li} == {0, 300_00, 600_00}
    column = recorded.head.facts.index("payment.amount_sgd")
    assert set(recorded.kinds[:, column].tolist()) == {MISSING}
    for mode, refused in zip(Mode, (2, 2, 2), strict=True):
        assert replay(journal, Asked(LOW, mode=mode), work=work).summary.changed.refused == refused
        assert replay(journal, Asked(NOTHING, mode=mode), work=work).summary.changed.refused == 0


def test_a_later_law_may_have_places_on_clocks_of_their_own(tmp_path: Path) -> None:
    journal, work = tmp_path / "journal", tmp_path / "work"
    with Ledger.open(journal, clock=ManualClock(day_start(DAY))) as ledger:
        li, wang, writer = small_town(ledger, law(), DAY)
        writer.post([writer.leg(li, wang, 300_00)])
        ledger.record(LawEnacted.of(with_place(law())))
        words = ledger.state.words
        opened = openings(1)
        opened["coin"], opened["kind"] = (
            ledger.state.accounts[li]["coin"],
            words.code("payer.kind", "resident"),
        )
        opened["zone"], opened["tier"] = words.place_codes["in"], words.code("payer.tier", "t4")
        indian = ledger.open_accounts(opened)
        writer.post([writer.leg(li, wang, 300_00), writer.leg(indian, wang, 100_00)])
    recorded = prepared(journal, work)
    assert len(recorded.books) == 2
    clocks = {
        int(row["debit"]): recorded.zone_clocks[recorded.clocks[row["kind"]]]
        for part, count in enumerate(recorded.head.parts)
        for row in recorded.read(part, 0, count)
    }
    assert (clocks[li], clocks[indian]) == ("Asia/Shanghai", "Asia/Kolkata")
    for mode in Mode:
        assert replay(journal, Asked(LOW, mode=mode), work=work).summary.changed.refused == 1


def test_a_frame_that_names_another_law_than_the_one_in_force_is_not_recorded(tmp_path: Path) -> None:
    """As when a ledger is opened: who wrote it was asking something else."""
    journal = write_reservations(tmp_path / "journal", 1, days=2)
    frames = list(read_frames(journal))
    last = next(frame for frame in reversed(frames) if frame.kind is FrameKind.TRANSFERS)
    for path in journal.iterdir():
        path.unlink()
    with Journal.open(journal) as writing:
        for frame in frames:
            digest = bytes(32) if frame is last else frame.law_digest
            follows = frame.sequence - 1
            writing.append(frame.kind, frame.instant, digest, [frame.payload], follows=follows)
            if frame is last:
                break
    with pytest.raises(JournalError, match=rf"frame {last.sequence} .*under another law"):
        prepared(journal, tmp_path / "work")


def test_a_law_that_counts_payments_is_told_which_way_is_left(tmp_path: Path) -> None:
    journal = write_world(tmp_path / "journal", 1, counts=True)
    assert prepared(journal, tmp_path / "work").head.has_counts
    for mode in (Mode.AS_IT_HAPPENED, Mode.SUMS_FOLLOW):
        with pytest.raises(NotReady, match=r"counts payments.*money-follows"):
            replay(journal, Asked(NOTHING, mode=mode), work=tmp_path / "work")
    replay(journal, Asked(NOTHING, mode=Mode.MONEY_FOLLOWS), work=tmp_path / "work")
