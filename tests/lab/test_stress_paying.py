"""What the issuer can pay: every fen is somewhere, more demand never pays less, and a bad file is told where."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jiaozi.clock import Instant
from jiaozi.errors import LabError
from jiaozi.lab.stress.paying import pay
from jiaozi.lab.stress.plan import RUN_SHAPE, read_shape
from jiaozi.lab.stress.reserve import Bills, default_reserve, percent, percent_text, read_reserve
from jiaozi.lab.stress.when import Hours

HOURS = 24 * 6

amounts = st.lists(st.integers(0, 10**12), min_size=HOURS, max_size=HOURS)
stocks = st.lists(
    st.builds(Bills, st.integers(0, 10**14), st.integers(0, 99_99), st.integers(0, 4)), max_size=3
)


def week() -> Hours:
    """Six days from midnight; banks are open from 9 to 17 on all but the second and the third."""
    is_open = [9 <= hour % 24 < 17 and hour // 24 not in (1, 2) for hour in range(HOURS)]
    is_opening = [is_open[hour] and hour % 24 == 9 for hour in range(HOURS)]
    return Hours(Instant(0), "UTC", tuple(is_open), tuple(is_opening), {}, (), None, None)


@settings(deadline=None, max_examples=60)
@given(
    asked=amounts,
    owed=st.integers(0, 10**12),
    cash=st.integers(0, 10**14),
    repo=st.integers(0, 10**14),
    bills=stocks,
)
def test_every_fen_is_somewhere_at_the_end_of_every_hour(
    asked: list[int], owed: int, cash: int, repo: int, bills: list[Bills]
) -> None:
    found = pay(asked, owed, cash, repo, bills, 7, week())
    paid = np.cumsum(found.paid)
    whole = cash + repo + sum(each.face_fen for each in bills) + 7
    left = found.cash + found.repo + found.bills + found.settling + found.locked + found.lost
    assert (left + paid == whole).all()
    assert (found.queue + paid == owed + np.cumsum(asked)).all()
    assert not found.paid[[not each for each in week().is_open]].any()
    for column in (found.cash, found.repo, found.bills, found.settling, found.lost, found.queue):
        assert (column >= 0).all()
    # While cash is left in an open hour, nobody waits.
    assert not ((found.cash > 0) & (found.queue > 0) & np.array(week().is_open)).any()


@settings(deadline=None, max_examples=100)
@given(
    asked=amounts,
    more=amounts,
    cash=st.integers(0, 10**13),
    repo=st.integers(0, 10**13),
    bills=st.lists(st.builds(Bills, st.integers(0, 10**14), st.integers(0, 99_99), st.just(1)), max_size=1),
)
def test_more_demand_never_gives_a_shorter_queue(
    asked: list[int], more: list[int], cash: int, repo: int, bills: list[Bills]
) -> None:
    both = [a + b for a, b in zip(asked, more, strict=True)]
    smaller, larger = (pay(each, 0, cash, repo, bills, 0, week()) for each in (asked, both))
    assert (smaller.queue <= larger.queue).all()


@given(face=st.integers(0, 10**15), haircut=st.integers(0, 99_99), wants=st.lists(st.integers(1, 10**13)))
def test_sales_bring_what_was_wanted_until_nothing_is_left(face: int, haircut: int, wants: list[int]) -> None:
    from jiaozi.lab.stress.paying import _Stock

    stock = _Stock(Bills(face, haircut, 1))
    most = face * (100_00 - haircut) // 100_00
    brought = [stock.sell(want) for want in wants]
    assert list(accumulate(brought)) == [min(most, whole) for whole in accumulate(wants)]
    assert 0 <= stock.left <= face
    assert stock.brought <= stock.sold


def test_the_shares_of_the_reserve_add_up_to_the_fen() -> None:
    for reserve_fen in (0, 1, 99, 12_345_678_901):
        cash, repo, bills = default_reserve().shared_out(reserve_fen)
        assert cash + repo + sum(each.face_fen for each in bills) == reserve_fen


GOOD = """[[asset]]
kind = "cash"
share = "60"
[[asset]]
kind = "bill"
share = "40"
haircut = "0.5"
settles = 2
"""


def test_a_reserve_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "reserve.toml"
    path.write_text(GOOD, encoding="utf-8")
    found = read_reserve(path)
    assert [(asset.kind, asset.share, asset.haircut, asset.settles) for asset in found.assets] == [
        ("cash", 60_00, 0, 0),
        ("bill", 40_00, 50, 2),
    ]
    assert not found.is_invented


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "write 1 to 20 tables"),
        ("[[asset", ":1"),
        (GOOD.replace('"60"', '"70"'), "add up to 110 %"),
        (GOOD.replace('"60"', "60"), "share"),
        (GOOD.replace('"60"', '"-60"'), ":3  asset.share"),
        (GOOD.replace('"60"', '"6e1"'), "no percentage"),
        (GOOD.replace('"60"', '"٦٠"'), "no percentage"),
        (GOOD.replace('"60"', '"59.999"'), "no percentage"),
        (GOOD.replace('"cash"', '"gold"'), "gold"),
        (GOOD.replace('"0.5"', '"100"'), "brings nothing"),
        (GOOD.replace("settles = 2", "settles = 400"), "0 to 10"),
        (GOOD.replace("settles = 2", "settles = true"), "settles"),
        (GOOD.replace("settles = 2", "setles = 2"), "did you mean settles"),
        (GOOD + "[bank]\nopens = 17\nclosees = 9\n", "closees"),
        (GOOD + "[bank]\nopens = 17\ncloses = 9\n", "not after 17"),
        (GOOD + "[failing]\nshare = 'all'\n", "failing.share"),
        ("\ufeff" + GOOD, "byte order mark"),
        ("asset = 5\n", "asset"),
        ("a." * 1_500 + "b = 1\n", "points"),
        ("x = '" + "y" * 3_000_000 + "'\n", "more than"),
        (GOOD * 15, "tables"),
    ],
)
def test_a_hostile_reserve_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "reserve.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LabError) as error:
        read_reserve(path)
    assert said in str(error.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "reserve.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabError, match="cannot be read"):
        read_reserve(path)
    with pytest.raises(LabError, match="cannot be read"):
        read_shape(path)


def test_a_file_that_is_too_long_is_refused_and_never_cut(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_text("# nothing\n" * 200_000 + GOOD, encoding="utf-8")
    with pytest.raises(LabError, match="more than"):
        read_reserve(path)
    path.write_text("1\n" + "# nothing\n" * 200_000 + "5\n", encoding="utf-8")
    with pytest.raises(LabError, match="more than"):
        read_shape(path)


def test_a_shape_is_a_whole_number_a_line(tmp_path: Path) -> None:
    path = tmp_path / "shape.txt"
    path.write_text("# weights\n1\n\n 0 # nobody\n250\n", encoding="utf-8")
    assert read_shape(path) == (1, 0, 250)
    for text, said in (
        ("1\n-2\n", ":2"),
        ("0\n0\n", "above 0"),
        ("1.5\n", ":1"),
        ("1\n" * 241, ":241"),
        ("", "above 0"),
        ("٣\n", ":1"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(LabError, match=said):
            read_shape(path)


def test_percentages_are_read_and_written_back() -> None:
    for hundredths in range(0, 100_01, 7):
        assert percent(percent_text(hundredths)) == hundredths
    assert percent("100.01") is None
    assert len(RUN_SHAPE) == 72
