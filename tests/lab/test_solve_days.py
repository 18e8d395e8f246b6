"""`jiaozi lab solve` over some days of a history only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jiaozi.cli import main
from tests.server.offices import issue
from tests.world import at, found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Li pays 1,200.00 on the 15th, the 16th and the 17th."""
    world = found(tmp_path_factory.mktemp("days") / "office")
    issue(world, "Li", 9_000_00, "first")
    for day in (15, 16, 17):
        world.clock.set(at(f"2026-12-{day} 12:00"))
        assert world.pay("Li", "Tea house", 1_200_00)[0] == "created"
    world.office.close()
    return world.office.folder


def words(store: Path, *days: str) -> list[str]:
    asked = ["--keep", "refused payments <= 0", "--vary", "limit.single[t4]", "--place", "cn-sh"]
    return ["lab", "solve", str(store), *asked, "--between", "1000", "1400", "--step", "200", *days]


@pytest.mark.parametrize(
    ("days", "refused"),
    [
        ([], 3),
        (["--from", "2026-12-16"], 2),
        (["--until", "2026-12-16"], 1),
        (["--from", "2026-12-16", "--until", "2026-12-17"], 1),
        (["--from", "2027-01-01"], 0),
    ],
)
def test_only_the_days_between_are_asked_again(
    store: Path, capsys: pytest.CaptureFixture[str], days: list[str], refused: int
) -> None:
    code = main([*words(store, *days), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert [point["count"] for point in told["points"]] == [refused, 0, 0]
    assert code == (0 if refused else 1)
    for option, value in zip(days[::2], days[1::2], strict=True):
        assert f"{option} {value}" in told["command"]
        assert told[option.removeprefix("--")] == value


def test_the_days_are_told(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(store, "--from", "2026-12-16", "--language", "zh")) == 0
    assert "仅对 2026年12月16日 起、期末 之前的支付重新判断。" in capsys.readouterr().out
    assert main(words(store)) == 0
    assert "Only payments from" not in capsys.readouterr().out


@pytest.mark.parametrize("days", [["--from", "2026-12-17", "--until", "2026-12-17"], ["--from", "soon"]])
def test_days_that_are_none_are_told_before_anything_is_replayed(
    store: Path, capsys: pytest.CaptureFixture[str], days: list[str]
) -> None:
    assert main(words(store, *days)) == 2
    assert days[1] in capsys.readouterr().err
