"""A shadow: what the reformed law would decide otherwise, and that nobody else notices it."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jiaozi.errors import FactError, JournalError
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.posting.beside import NOT_ASKED
from jiaozi.ledger.question import question
from jiaozi.ledger.records import PAY, TransferFlag
from jiaozi.ledger.shadow import Shadow
from jiaozi.ledger.shadow_rows import NEWLY_ADMITTED, NEWLY_REFUSED, Difference, parts_in, read_part
from jiaozi.rulebook.decide import decide
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.read import with_reform
from tests.ledger.ledger_world import FIRST_HOLDER, clock, found, payments
from tests.ledger.small_world import ZONE, enacting, with_needs

HEAD = """
[reform]
title = { en = "An exercise", zh = "习作" }

[source.exercise]
authority = { en = "Nobody: an exercise", zh = "无：仅为习作" }
title     = { en = "An invented notice", zh = "虚构通知" }
number    = "exercise"
issued    = 2026-11-22
known     = 2026-11-22
read      = "invented"
checked   = 2026-11-22
"""


def cap(yuan: int, day: str = "2026-12-02") -> str:
    """A reform that sets what tier 4 may pay at once; under the law it is 2,000 yuan."""
    return f"""{HEAD}
[[change]]
set   = "limit.single"
place = "cn-sh"
from  = {day}
cite  = "exercise art 1"
CNY   = {{ t4 = {yuan} }}
"""


def rich(folder: Path) -> Ledger:
    """A ledger of forty wallets of tier 4, each with 5,000 yuan, which is what one may pay in a day."""
    return found(folder, holders=40, yuan_each=5_000, tier="t4")


def reformed(ledger: Ledger, yuan: int = 1_000) -> Book:
    return with_reform(ledger.state.law, "exercise", cap(yuan))


def shadowed(ledger: Ledger, folder: Path, yuan: int = 1_000) -> Shadow:
    shadow = ledger.shadow(reformed(ledger, yuan), folder, name="exercise")
    assert shadow is not None
    return shadow


def so_far(ledger: Ledger, shadow: Shadow) -> Difference:
    """Return the difference once all that was posted is compared."""
    ledger.at_cut(lambda *_: None)
    shadow.catch_up()
    return shadow.difference()


def pay_all(ledger: Ledger) -> list[list[int]]:
    """Pay below, at and above the caps of 1,000 and 2,000, alone, in chains and as reservations."""
    answers = []
    for first, amount_yuan in enumerate((999, 1_000, 1_001, 2_000, 2_001)):
        pairs = [(4 * first, 4 * first + 1), (4 * first + 2, 4 * first + 3)]
        batch = payments(10 * first + 1, pairs, amount_yuan * 100)
        answers.append(ledger.post(batch).results.tolist())
    chain = payments(100, [(20, 21), (22, 23)], 1_500_00)
    chain["amount"][1] = 2_500_00
    answers.append(ledger.post(chain, all_or_nothing=True).results.tolist())
    reserving = payments(200, [(24, 25)], 1_200_00)
    reserving["flags"], reserving["timeout"] = TransferFlag.PENDING, 60
    answers.append(ledger.post(reserving).results.tolist())
    posting = payments(201, [(24, 25)], 1_100_00)
    posting["flags"] = TransferFlag.POST_PENDING_TRANSFER
    posting["memo_lo"], posting["memo_hi"] = reserving["id_lo"], reserving["id_hi"]
    answers.append(ledger.post(posting).results.tolist())
    answers.append(ledger.post(payments(300, [(30, 31)] * 3000, 1)).results.tolist())
    return answers


def journal_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("*.jzj")))


def test_with_a_shadow_answers_digest_and_journal_are_those_without(tmp_path: Path) -> None:
    answers, digests = [], []
    for name in ("alone", "shadowed"):
        with rich(tmp_path / name) as ledger:
            shadow = shadowed(ledger, tmp_path / "rows") if name == "shadowed" else None
            answers.append(pay_all(ledger))
            digests.append(ledger.at_cut(lambda state, _: state.digest()))
    assert shadow is not None
    assert shadow.difference().total(NEWLY_REFUSED)[0] > 0
    assert answers[0] == answers[1]
    assert digests[0] == digests[1]
    assert journal_of(tmp_path / "alone") == journal_of(tmp_path / "shadowed")


def test_what_would_be_refused_is_counted_with_reason_action_and_value(tmp_path: Path) -> None:
    with rich(tmp_path / "ledger") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows")
        pay_all(ledger)
        difference = so_far(ledger, shadow)
    # Refused by the reform alone: two of 1,001, two of 2,000, a reservation of 1,200, its posting of 1,100.
    assert difference.sums == {
        (NEWLY_REFUSED, PAY, ("cn-sh.pay/single_cap",)): (
            6,
            2 * 1_001_00 + 2 * 2_000_00 + 1_200_00 + 1_100_00,
        )
    }
    # The first leg of the chain was undone with it, so a reform is not to blame for it.
    assert difference.asked == 10 + 1 + 2 + 3_000


def test_what_would_be_admitted_is_counted_under_the_reason_of_the_law_in_force(tmp_path: Path) -> None:
    with rich(tmp_path / "ledger") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows", yuan=3_000)
        assert ledger.post(payments(1, [(0, 1), (2, 3)], 2_500_00)).created == 0
        assert ledger.post(payments(3, [(4, 5)], 3_000_01)).created == 0
        difference = so_far(ledger, shadow)
    assert difference.by_reason(NEWLY_ADMITTED) == [("cn-sh.pay/single_cap", 2, 5_000_00)]
    assert difference.by_action(NEWLY_ADMITTED) == [(PAY, 2, 5_000_00)]
    assert difference.total(NEWLY_REFUSED) == (0, 0)


def test_who_has_no_money_is_not_admitted_by_a_softer_law(tmp_path: Path) -> None:
    with found(tmp_path / "ledger", yuan_each=2_200, tier="t4") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows", yuan=3_000)
        assert ledger.post(payments(1, [(0, 1)], 2_500_00)).created == 0
        difference = so_far(ledger, shadow)
    assert (difference.asked, difference.sums) == (1, {})


def test_the_bits_are_those_of_the_plain_interpreter(tmp_path: Path) -> None:
    with rich(tmp_path / "ledger") as ledger:
        book = reformed(ledger)
        shadow = shadowed(ledger, tmp_path / "rows")
        expected = []
        for number, amount_fen in enumerate((100, 1_000_00, 1_000_01, 1_999_99, 2_000_01)):
            asked = ledger.at_cut(
                lambda state, _, amount_fen=amount_fen: question(  # type: ignore[misc]
                    state,
                    debit=FIRST_HOLDER,
                    credit=FIRST_HOLDER + 1,
                    amount_fen=amount_fen,
                    action=Action.PAY,
                    place=ZONE,
                    instant=clock()(),
                )
            )
            before, after = (decide(law, Action.PAY, asked, clock()()).reasons for law in (shadow.law, book))
            if not before and after:
                expected.append((NEWLY_REFUSED, after, amount_fen))
            ledger.post(payments(number + 1, [(0, 1)], amount_fen))
        difference = so_far(ledger, shadow)
    assert expected
    counted: dict[tuple[int, int, tuple[str, ...]], tuple[int, int]] = {}
    for direction, reasons, amount_fen in expected:
        count, fen = counted.get((direction, PAY, reasons), (0, 0))
        counted[direction, PAY, reasons] = count + 1, fen + amount_fen
    assert difference.sums == counted


def test_the_file_says_what_memory_says_and_which_transfers_they_were(tmp_path: Path) -> None:
    with rich(tmp_path / "ledger") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows")
        first = ledger.sequence + 1
        batch = payments(1, [(n % 20, (n + 1) % 20) for n in range(5_000)], 1)
        batch["amount"][17], batch["amount"][4_321] = 1_500_00, 1_600_00
        ledger.post(batch)
        difference = so_far(ledger, shadow)
        (part,) = parts_in(tmp_path / "rows")  # while it grows
        assert part.difference == difference
        assert (part.head.first_sequence, part.last_sequence) == (first, first)
        assert (part.head.reform, part.head.law_digest) == ("exercise", ledger.state.law.digest.hex())
        assert part.head.reform_digest == reformed(ledger).digest.hex()
    rows = np.frombuffer(shadow.path.read_bytes()[-2 * shadow.row_type.itemsize :], dtype=shadow.row_type)
    assert rows["frame"].tolist() == [first, first]
    assert rows["row"].tolist() == [17, 4_321]
    assert rows["amount"].tolist() == [1_500_00, 1_600_00]


def test_after_a_restart_a_new_file_goes_on(tmp_path: Path) -> None:
    with rich(tmp_path / "ledger") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows")
        since = shadow.since
        ledger.post(payments(1, [(0, 1)], 1_500_00))
    with Ledger.open(tmp_path / "ledger", clock=clock()) as ledger:
        assert len(parts_in(tmp_path / "rows")) == 1
        again = shadowed(ledger, tmp_path / "rows")
        assert again.since == since
        ledger.post(payments(2, [(2, 3)], 1_600_00))
        assert so_far(ledger, again).total(NEWLY_REFUSED) == (2, 3_100_00)
    assert [part.difference.total(NEWLY_REFUSED)[0] for part in parts_in(tmp_path / "rows")] == [1, 1]


def test_another_law_stops_the_shadow_and_it_says_so(tmp_path: Path) -> None:
    with rich(tmp_path / "ledger") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows")
        ledger.post(payments(1, [(0, 1)], 1_500_00))
        other = cap(1_900, "2027-01-01").replace("exercise", "notice")
        ledger.record(enacting(with_reform(ledger.state.law, "other", other)))
        assert not shadow.is_running
        assert "another law was enacted in frame" in shadow.stopped
        ledger.post(payments(2, [(2, 3)], 1_500_00))
        assert so_far(ledger, shadow).total(NEWLY_REFUSED) == (1, 1_500_00)
        again = shadowed(ledger, tmp_path / "rows", yuan=900)
        assert again.is_running


def test_the_same_law_enacted_again_lets_the_shadow_run(tmp_path: Path) -> None:
    with found(tmp_path / "ledger", tier="t4") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows")
        ledger.record(enacting(ledger.state.law))
        assert shadow.is_running


def test_taking_the_shadow_away_ends_it(tmp_path: Path) -> None:
    with rich(tmp_path / "ledger") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows")
        ledger.post(payments(1, [(0, 1)], 1_500_00))
        ledger.at_cut(lambda *_: None)
        assert ledger.shadow(None) is None
        ledger.post(payments(2, [(2, 3)], 1_500_00))
        assert not shadow.is_running
        assert shadow.difference().asked == 1


def test_a_law_that_asks_other_facts_is_refused_in_words(tmp_path: Path) -> None:
    with found(tmp_path / "ledger") as ledger:
        facts = '[[fact]]\nid = "payer.age"\ntype = "number"\nunit = "count"\ntitle = { en = "age", zh = "年龄" }\n'
        other = with_needs(ledger.state.law, facts=f"\n{facts}")
        with pytest.raises(FactError, match="other words, facts or counters than the law in force"):
            ledger.shadow(other, tmp_path / "rows")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_stops_the_shadow_and_not_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with rich(tmp_path / "ledger") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows")
        ledger.post(payments(1, [(0, 1)], 1_500_00))
        assert so_far(ledger, shadow).total(NEWLY_REFUSED)[0] == 1
        real: Callable[..., int] = os.pwrite

        def full(handle: int, data: bytes, at: int) -> int:
            if handle == shadow.handle:
                raise OSError(number, os.strerror(number))
            return real(handle, data, at)

        monkeypatch.setattr(os, "pwrite", full)
        assert ledger.post(payments(2, [(2, 3)], 1_500_00)).created == 1
        so_far(ledger, shadow)
        assert os.strerror(number) in shadow.stopped
        assert ledger.post(payments(3, [(4, 5)], 1_500_00)).created == 1
        monkeypatch.undo()
        assert so_far(ledger, shadow).total(NEWLY_REFUSED)[0] == 1


def test_a_folder_that_cannot_be_written_leaves_the_ledger_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("a file in its place")
    with rich(tmp_path / "ledger") as ledger:
        with pytest.raises(OSError, match="rows"):
            shadowed(ledger, tmp_path / "rows")
        assert ledger.post(payments(1, [(0, 1)], 1_500_00)).created == 1


def test_a_file_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "shadow-0-1.rows"
    for content in (b"", b"\n", b'{"format": "jiaozi shadow 1"}\n', b"\xff" * 2_000):
        path.write_bytes(content)
        with pytest.raises(JournalError, match="no file of a shadow"):
            read_part(path)


def test_after_a_power_cut_the_rows_that_are_there_count_and_the_others_are_lost(tmp_path: Path) -> None:
    with rich(tmp_path / "ledger") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows")
        ledger.post(payments(1, [(0, 1), (2, 3), (4, 5)], 1_500_00))
    size = shadow.path.stat().st_size
    os.truncate(shadow.path, size - 1)
    part = read_part(shadow.path)
    assert (part.difference.total(NEWLY_REFUSED)[0], part.lost) == (2, 1)
    os.truncate(shadow.path, size - 2 * shadow.row_type.itemsize)
    os.truncate(shadow.path, size)  # zeros where the system had made room and written nothing
    part = read_part(shadow.path)
    assert (part.difference.total(NEWLY_REFUSED)[0], part.lost) == (1, 2)
    os.truncate(shadow.path, 0)
    with Ledger.open(tmp_path / "ledger", clock=clock()) as ledger:
        assert shadowed(ledger, tmp_path / "rows").is_running


def test_a_room_used_again_has_nothing_of_before(tmp_path: Path) -> None:
    with rich(tmp_path / "ledger") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows")
        for first, amount_fen in ((1, 1_500_00), (5_001, 1)):
            ledger.post(payments(first, [(n % 20, (n + 1) % 20) for n in range(3_000)], amount_fen))
            so_far(ledger, shadow)
        room = shadow.room(2_000, clock()())
        assert room is not None
        assert not room.bits.any()
        assert (room.otherwise == NOT_ASKED).all()
        refused = shadow.difference().total(NEWLY_REFUSED)[0]
    assert 0 < refused <= 3_000


def test_a_shadow_that_cannot_keep_up_gives_up_and_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jiaozi.ledger.shadow.MOST_BEHIND", 100)
    with rich(tmp_path / "ledger") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows")
        assert ledger.post(payments(1, [(0, 1)] * 101)).created == 101
        assert "could not be written as fast as payments came" in shadow.stopped
        assert ledger.post(payments(201, [(0, 1)])).created == 1
        assert so_far(ledger, shadow).asked == 0


def test_whatever_goes_wrong_in_comparing_is_not_the_ledgers_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rich(tmp_path / "ledger") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows")
        nothing: dict[int, object] = {}
        monkeypatch.setattr("jiaozi.ledger.shadow._gathered", lambda frames: nothing[len(frames)])
        assert ledger.post(payments(1, [(0, 1)])).created == 1
        so_far(ledger, shadow)
        assert not shadow.is_running
        assert ledger.post(payments(2, [(0, 1)])).created == 1


def test_many_callers_at_once_are_all_compared(tmp_path: Path) -> None:
    with rich(tmp_path / "ledger") as ledger:
        shadow = shadowed(ledger, tmp_path / "rows")
        batches = [payments(100 * n + 1, [(n % 40, (n + 7) % 40)] * 3) for n in range(200)]
        for outcome in [ledger.submit(batch) for batch in batches]:
            assert outcome.result().created == 3
        assert so_far(ledger, shadow).asked == 600


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 4_000_00)), min_size=1, max_size=40
    )
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_never_depend_on_how_transfers_came_in_frames(
    tmp_path: Path, wanted: list[tuple[int, int, int]]
) -> None:
    pairs = [(payer, 6 + payee) for payer, payee, _ in wanted]
    batch = payments(1, pairs)
    batch["amount"] = [amount_fen for _, _, amount_fen in wanted]
    found_sums = []
    for parts in (1, 3):
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        with rich(folder / "ledger") as ledger:
            shadow = shadowed(ledger, folder / "rows")
            for part in np.array_split(batch, parts):
                if len(part):
                    ledger.post(part)
            found_sums.append(so_far(ledger, shadow))
    assert found_sums[0] == found_sums[1]
