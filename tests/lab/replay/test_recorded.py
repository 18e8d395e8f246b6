"""Recorded questions: what is read back is what was asked; what is damaged or foreign is refused in words."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from jiaozi.clock import ManualClock, day_start
from jiaozi.errors import JournalError, NotReady
from jiaozi.lab.population.founding import law_of
from jiaozi.lab.replay.facts import facts_of_row
from jiaozi.lab.replay.folder import part_name
from jiaozi.lab.replay.law import Tried
from jiaozi.lab.replay.recorded import Recorded, slots_of
from jiaozi.lab.replay.records import GIVES_BACK, PARTS, WIDE_COLUMNS
from jiaozi.lab.replay.replay import Asked as Question
from jiaozi.lab.replay.replay import Mode, coming, prepared, replay
from jiaozi.ledger.facts import LawEnacted
from jiaozi.ledger.journal.reading import read_frames
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.payload import Booked
from jiaozi.ledger.question import question
from jiaozi.ledger.records import one_call
from jiaozi.ledger.restart import fold_ready, prepare
from jiaozi.ledger.state import State
from jiaozi.rulebook.decide import Facts
from jiaozi.rulebook.machine.layout import MISSING
from jiaozi.rulebook.model import ACTION_CODES, Book
from tests.lab.replay.plain import Asked, Freed, Key, history_of
from tests.lab.replay.reading import after
from tests.lab.replay.reforms import NOTHING, limit, tried_text
from tests.lab.replay.worlds import small_town, write_reservations, write_world

ACTIONS = {code: action for action, code in ACTION_CODES.items()}
DAY = date(2027, 12, 22)


def facts_in(recorded: Recorded) -> Iterator[tuple[Key, np.void, Facts]]:
    """Yield each question that was recorded, with its facts in words."""
    whole = [(recorded.facts(book), slots_of(book)) for book in recorded.books]
    for part in range(PARTS):
        for row in recorded.read(part, 0, recorded.head.parts[part]):
            if row["role"] == GIVES_BACK:
                continue
            frame = recorded.frames[row["frame"]]
            rows, slots = whole[frame["law"]]
            facts = rows[row["kind"]].copy()
            for slot, column in zip(slots.tolist(), WIDE_COLUMNS, strict=False):
                facts[slot] = row[column]
            for slot in slots[len(WIDE_COLUMNS) :].tolist():
                if facts[slot] != MISSING:
                    facts[slot] = row["amount"]
            known = facts_of_row(recorded.books[frame["law"]], facts)
            yield (int(frame["sequence"]), int(row["row"])), row, known


def known_in(book: Book, facts: Facts) -> Facts:
    """Return *facts* as far as the law has words for them and they are known."""
    slots = book.vocabulary.slots  # a place that is none is an empty word in one form and None in the other
    return {name: value for name, value in facts.items() if value not in (None, "") and name in slots}


def test_recorded_facts_are_those_that_a_single_payment_would_be_asked(journal: Path, work: Path) -> None:
    """The same payments posted one in a frame, each asked beforehand in words: nothing differs."""
    asked = {key: facts for key, _, facts in facts_in(prepared(journal, work))}
    state, compared = State(), 0
    for frame in read_frames(journal):
        ready = prepare(frame)
        batch = ready.content.batch if isinstance(ready.content, Booked) else None
        if batch is None or not batch["action"].all() or batch["flags"].any():
            fold_ready(ready, state)  # a chain is one step: there is no asking in its middle
            continue
        assert isinstance(ready.content, Booked)
        for n, row in enumerate(batch):
            words, action = state.words, ACTIONS[int(row["action"])]
            beforehand = question(
                state,
                debit=int(row["debit"]),
                credit=int(row["credit"]),
                amount_fen=int(row["amount"]),
                action=action,
                place=words.place_names[int(row["place"])],
                instant=frame.instant,
            )
            booked = state.post(batch[n : n + 1], one_call(1), frame.instant)
            assert booked.results[0] == ready.content.results[n]
            assert asked[frame.sequence, n] == known_in(state.law, beforehand), (frame.sequence, n)
            compared += 1
    assert compared >= 20_000


def check_against(history: list[Asked | Freed], recorded: Recorded) -> None:
    plain = {each.key: each for each in history if isinstance(each, Asked)}
    found = {key: (row, facts) for key, row, facts in facts_in(recorded)}
    assert found.keys() == plain.keys()
    for key, (row, facts) in found.items():
        asked = plain[key]
        law = recorded.books[asked.law]
        assert known_in(law, facts) == known_in(law, asked.facts), key
        assert (row["result"], row["otherwise"], row["person"]) == (
            asked.result,
            asked.otherwise,
            asked.person,
        )
        assert (ACTIONS[int(row["action"])], row["amount"]) == (asked.action, asked.amount_fen)
        number = int(row["reasons"])
        assert (tuple(recorded.head.reasons[number - 1]) if number else ()) == asked.reasons


@pytest.mark.parametrize("seed", range(12))
def test_what_is_read_back_is_what_the_plain_ledger_was_asked(seed: int, tmp_path: Path) -> None:
    for write in (write_world, write_reservations):
        journal = write(tmp_path / write.__name__, seed)
        history, enacted = history_of(journal)
        recorded = prepared(journal, tmp_path / f"work {write.__name__}")
        assert [book.digest for book in recorded.books] == [
            book.digest for n, book in enumerate(enacted) if n == 0 or book.digest != enacted[n - 1].digest
        ]
        if len(recorded.books) == len(enacted):
            check_against(history, recorded)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_reservations(tmp_path / "journal", 1, days=3)


DAMAGE = {
    "head.json": [b"", b"{", b"[]", b'{"format": "another"}', b"\xff"],
    "frames.rows": [b"", b"short"],
    "kinds.rows": [b"", b"no numbers"],
    "held-*.rows": [b"", b"PK\x03\x04"],
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_is_refused_with_the_way_out(name: str, small: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    whole = prepared(small, work)
    path = next(whole.folder.glob(name))
    kept = path.read_bytes()
    for damaged in [*DAMAGE[name], None]:
        path.unlink()
        if damaged is not None:
            path.write_bytes(damaged)
        with pytest.raises(JournalError, match=r"questions.*remove it, and it is made again"):
            Recorded.open(whole.folder)
    path.write_bytes(kept)
    assert Recorded.open(whole.folder).count == whole.count


@pytest.mark.parametrize("by", [1, 104])
def test_a_part_that_is_shorter_is_refused(by: int, small: Path, tmp_path: Path) -> None:
    recorded = prepared(small, tmp_path / "work")
    part = next(number for number, count in enumerate(recorded.head.parts) if count)
    path = recorded.folder / part_name(part)
    path.write_bytes(path.read_bytes()[:-by])
    with pytest.raises(JournalError, match=r"is not whole.*remove it, and it is made again"):
        replay(small, Question(NOTHING), work=tmp_path / "work")
    path.unlink()
    with pytest.raises(JournalError, match=r"remove it, and it is made again"):
        replay(small, Question(NOTHING), work=tmp_path / "work")
    shutil.rmtree(recorded.folder)
    assert prepared(small, tmp_path / "work").count == recorded.count


def test_a_recording_in_an_older_form_is_made_again(small: Path, tmp_path: Path) -> None:
    recorded = prepared(small, tmp_path / "work")
    (recorded.folder / "head.json").write_bytes(b'{"format": "jiaozi questions 2", "parts": []}')
    assert prepared(small, tmp_path / "work").head == recorded.head


def bytes_of(journal: Path) -> int:
    return sum(path.stat().st_size for path in journal.glob("*.jzj"))


def test_of_a_journal_that_has_grown_the_rest_is_recorded_and_of_one_that_has_not_nothing(
    tmp_path: Path,
) -> None:
    journal, work = tmp_path / "journal", tmp_path / "work"
    recordings: list[int] = []
    book = law_of("cn-sh", DAY, DAY + timedelta(days=2))
    with Ledger.open(journal, clock=ManualClock(day_start(DAY))) as ledger:
        li, wang, writer = small_town(ledger, book, DAY)
        writer.post([writer.leg(li, wang, 100_00)])
        assert coming(journal, work) == bytes_of(journal)
        first = prepared(journal, work, progress=recordings.append)
        done = len(recordings)
        assert sum(recordings) == bytes_of(journal)
        assert coming(journal, work) == 0
        assert prepared(journal, work, progress=recordings.append).count == first.count
        assert len(recordings) == done > 0
        writer.post([writer.leg(li, wang, 200_00)])
        rest = coming(journal, work)
        second = prepared(journal, work, progress=recordings.append)
    assert second.count == first.count + 1
    assert 0 < rest == sum(recordings[done:]) < bytes_of(journal)
    again = Recorded.open(work / "questions")
    assert again.head == second.head


def test_the_questions_of_another_journal_are_not_taken_for_these(tmp_path: Path) -> None:
    """The work folder may stay while the store behind it is replaced, by a longer or a shorter one."""
    one = write_reservations(tmp_path / "one", 1, days=4)
    other = write_reservations(tmp_path / "other", 2, days=2)
    for journal in (one, other, one):
        recorded = prepared(journal, tmp_path / "work")
        last = list(read_frames(journal))[-1]
        assert (recorded.head.journal_sequence, recorded.head.journal_hash) == (
            last.sequence,
            last.hash.hex(),
        )


def test_a_damaged_journal_is_told_of(small: Path, tmp_path: Path) -> None:
    segment = sorted(small.glob("*.jz*"))[0] if any(small.glob("*.jz*")) else sorted(small.iterdir())[0]
    raw = bytearray(segment.read_bytes())
    raw[len(raw) // 2] ^= 1
    segment.write_bytes(raw)
    for mode in Mode:
        with pytest.raises(JournalError):
            replay(small, Question(NOTHING, mode=mode), work=tmp_path / "work")
    assert not list((tmp_path / "work").iterdir())


def test_who_stops_or_interrupts_the_recording_leaves_nothing_half_done(small: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    with pytest.raises(NotReady, match="stopped"):
        prepared(small, work, stop=after(3))
    assert not list(work.iterdir())

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared(small, work, progress=interrupt)
    assert not list(work.iterdir())
    # What a process that was killed left behind is in nobody's way.
    (work / "questions.part").mkdir()
    (work / "questions.part" / part_name(0)).write_bytes(b"half a row")
    assert prepared(small, work).count > 0
    assert [path.name for path in work.iterdir()] == ["questions"]


@pytest.mark.parametrize("mode", Mode)
def test_a_replay_can_be_stopped_and_asked_again(mode: Mode, journal: Path, work: Path) -> None:
    prepared(journal, work)
    told: list[int] = []
    with pytest.raises(NotReady, match="stopped"):
        replay(journal, Question(NOTHING, mode=mode), work=work, progress=told.append, stop=lambda: True)
    assert replay(journal, Question(NOTHING, mode=mode), work=work).summary.changed.refused == 0


def test_two_laws_in_one_history_are_reformed_each_by_itself(tmp_path: Path) -> None:
    """The second law lets tier 4 pay 3,000.00 at once. A reform of the day's cap is tried on both."""
    journal = tmp_path / "journal"
    book = law_of("cn-sh", DAY, DAY + timedelta(days=2))
    wide = dict(book.texts)
    wide["cn-sh.toml"] = wide["cn-sh.toml"].replace("t3 = 5_000, t4 = 2_000 ", "t3 = 5_000, t4 = 3_000 ")
    with Ledger.open(journal, clock=ManualClock(day_start(DAY))) as ledger:
        li, wang, writer = small_town(ledger, book, DAY)
        writer.post([writer.leg(li, wang, 2_500_00)])
        ledger.record(LawEnacted.of(Tried(texts=(("cn-sh.toml", wide["cn-sh.toml"]),)).of(book)))
        writer.post([writer.leg(li, wang, 2_500_00)])
    recorded = prepared(journal, tmp_path / "work")
    assert [len(book.texts) for book in recorded.books] == [len(book.texts)] * 2
    results = {key: int(row["result"]) for key, row, _ in facts_in(recorded) if row["amount"] == 2_500_00}
    assert len(set(results.values())) == 2
    for mode in Mode:
        low = Question(tried_text(limit("day", "t4 = 2_400", "2027-12-02")), mode=mode)
        summary = replay(journal, low, work=tmp_path / "work").summary
        assert (summary.changed.refused, summary.changed.admitted) == (1, 0)
        assert list(summary.by_reason) == ["cn-sh.pay/daily_cap"]


def test_an_empty_journal_and_one_without_payments_have_nothing_to_replay(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with Ledger.open(journal, clock=ManualClock(day_start(DAY))) as ledger:
        ledger.record(LawEnacted.of(law_of("cn-sh", DAY, DAY + timedelta(days=2))))
    for mode in Mode:
        summary = replay(journal, Question(NOTHING, mode=mode), work=tmp_path / "work").summary
        assert (summary.transfers, summary.changed.refused, summary.trapped) == (0, 0, [])
