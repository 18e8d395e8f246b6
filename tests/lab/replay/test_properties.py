"""What always holds of a replay, whichever caps are tried."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jiaozi.clock import Instant, day_start
from jiaozi.lab.population import Written
from jiaozi.lab.replay import following
from jiaozi.lab.replay.law import Tried
from jiaozi.lab.replay.replay import Asked, Mode, Replay, replay
from jiaozi.lab.replay.summary import Part, Summary
from tests.lab.replay.reading import changes_in, rows_of
from tests.lab.replay.reforms import NOTHING, REFORMS, limit, tried, tried_text

FEW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CAPS = st.tuples(st.sampled_from(["single", "day", "year"]), st.integers(0, 1_999), st.integers(0, 4_999))


def lowered(cap: tuple[str, int, int]) -> Tried:
    name, t4, t3 = cap
    return tried_text(limit(name, f"t4 = {t4}, t3 = {t3}"))


def sums_of(table: dict[str, Part]) -> tuple[int, ...]:
    return tuple(
        sum(getattr(part, name) for part in table.values())
        for name in ("refused", "refused_amount", "admitted", "admitted_amount")
    )


def check_tables(summary: Summary) -> None:
    """Every table but that of reasons, in which a transfer may stand twice, adds up to the whole."""
    whole = summary.changed
    total = (whole.refused, whole.refused_amount, whole.admitted, whole.admitted_amount)
    for name in ("by_month", "by_tier", "by_zone", "by_issuer", "by_size", "by_action"):
        assert sums_of(getattr(summary, name)) == total, name
    reasons = sums_of(summary.by_reason)
    assert reasons[0] >= total[0]
    kinds = {str(number): kind.part for number, kind in enumerate(summary.kinds)}
    if len(kinds) < 10:
        assert sums_of(kinds) == total
    assert summary.holders_refused <= min(whole.refused, summary.holders)
    assert summary.holders_admitted <= min(whole.admitted, summary.holders)


@pytest.mark.parametrize("rows", [1, 13, 1_000_000])
def test_how_many_changes_are_counted_at_once_is_not_seen(
    rows: int, journal: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(tried_text(limit("single", "t4 = 300, t3 = 900")), mode=Mode.MONEY_FOLLOWS)
    as_always = replay(journal, asked, work=work)
    assert as_always.summary.changed.refused > 50
    monkeypatch.setattr(following, "COUNTED_AT_ONCE", rows)
    assert replay(journal, asked, work=work) == as_always


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("name", list(REFORMS))
def test_tables_add_up_and_parquet_has_a_row_for_each_change(
    name: str, mode: Mode, journal: Path, work: Path, tmp_path: Path
) -> None:
    result = replay(journal, Asked(tried(name), mode=mode), work=work, to=tmp_path)
    check_tables(result.summary)
    counted = rows_of(
        "SELECT is_admitted, count(*), sum(amount)::BIGINT, count(DISTINCT person) "
        f"FROM '{tmp_path}/changes-*.parquet' GROUP BY is_admitted"
    )
    told = {bool(direction): (count, amount, persons) for direction, count, amount, persons in counted}
    part = result.summary.changed
    assert told.get(False, (0, 0, 0)) == (part.refused, part.refused_amount, result.summary.holders_refused)
    assert told.get(True, (0, 0, 0)) == (part.admitted, part.admitted_amount, result.summary.holders_admitted)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(result.files)


@FEW
@given(cap=CAPS)
def test_a_lower_cap_admits_nothing_when_each_payment_stands_alone(
    cap: tuple[str, int, int], journal: Path, work: Path
) -> None:
    result = replay(journal, Asked(lowered(cap)), work=work)
    assert result.summary.changed.admitted == 0
    check_tables(result.summary)


@FEW
@given(cap=CAPS)
def test_where_sums_follow_no_more_is_refused_than_when_each_payment_stands_alone(
    cap: tuple[str, int, int], journal: Path, work: Path
) -> None:
    alone = replay(journal, Asked(lowered(cap)), work=work).summary.changed
    follow = replay(journal, Asked(lowered(cap), mode=Mode.SUMS_FOLLOW), work=work).summary.changed
    assert follow.refused <= alone.refused
    assert follow.admitted >= alone.admitted


@FEW
@given(cap=CAPS, mode=st.sampled_from([Mode.AS_IT_HAPPENED, Mode.SUMS_FOLLOW]))
def test_there_and_back_again_changes_nothing(
    cap: tuple[str, int, int], mode: Mode, journal: Path, work: Path
) -> None:
    """What a law newly refuses against another, the other newly admits against it."""
    one, other = lowered(cap), tried("lower the cap of a day")
    there = replay(journal, Asked(one, base=other, mode=mode), work=work).summary.changed
    back = replay(journal, Asked(other, base=one, mode=mode), work=work).summary.changed
    assert (there.refused, there.refused_amount) == (back.admitted, back.admitted_amount)
    assert (there.admitted, there.admitted_amount) == (back.refused, back.refused_amount)
    itself = replay(journal, Asked(one, base=one, mode=mode), work=work).summary.changed
    assert itself == Part(0, 0, 0, 0)


@FEW
@given(cap=CAPS, cut=st.integers(0, 40), mode=st.sampled_from(list(Mode)))
def test_the_time_before_and_the_time_after_are_the_whole(
    cap: tuple[str, int, int], cut: int, mode: Mode, town: Written, work: Path
) -> None:
    at = day_start(town.from_day + timedelta(days=cut))
    journal = town.folder / "journal"

    def asked(start: Instant | None, end: Instant | None) -> Part:
        question = Asked(lowered(cap), mode=mode, start=start, end=end)
        return replay(journal, question, work=work).summary.changed

    parts = asked(None, at), asked(at, None)
    whole = asked(None, None)
    assert tuple(one + two for one, two in zip(*map(_numbers, parts), strict=True)) == _numbers(whole)


def _numbers(part: Part) -> tuple[int, ...]:
    return part.refused, part.refused_amount, part.admitted, part.admitted_amount


@pytest.mark.parametrize("mode", Mode)
def test_the_same_question_gets_the_same_answer_whoever_is_first(
    mode: Mode, journal: Path, work: Path
) -> None:
    """Also the examples, although two threads find changes in another order each time."""
    answers = list(several(journal, work, Asked(tried("lower the cap of a day"), mode=mode)))
    assert answers[0].address.endswith(mode)
    assert all(answer == answers[0] for answer in answers[1:])


def several(journal: Path, work: Path, asked: Asked) -> Iterator[Replay]:
    for threads in (1, 2, 2, 3, 2):
        yield replay(journal, asked, work=work, threads=threads)


def test_a_smaller_replay_into_the_same_folder_leaves_nothing_of_the_larger(
    journal: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jiaozi.lab.replay.changes.ROWS_A_FILE", 100)
    replay(journal, Asked(tried("lower the cap of a day")), work=work, to=tmp_path)
    assert len(list(tmp_path.glob("changes-*.parquet"))) > 2
    replay(journal, Asked(NOTHING), work=work, to=tmp_path)
    assert changes_in(tmp_path) == {}
