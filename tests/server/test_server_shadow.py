"""The page of the reform that is tried beside the law: both languages, live, and what it says when there is none."""

from __future__ import annotations

import pytest

from jiaozi.lab.shadow import Asked, place, take_away
from jiaozi.ledger.shadow import Shadow
from jiaozi.office import Office
from jiaozi.rulebook.reading.read import with_reform
from jiaozi.server.app import Background
from tests.ledger.test_shadow import cap
from tests.server.asking import Client
from tests.server.offices import EVIL
from tests.server.test_server_live import stream
from tests.server.test_server_pages import text_of
from tests.world import World


def try_reform(world: World, text: str = cap(100)) -> Shadow:
    """Put a reform there, as the command does, and let the office look."""
    asked = Asked("lower-cap", [], world.office.book.digest.hex())
    place(world.office.folder, asked, text)
    shadow = world.office.shadow().shadow
    assert shadow is not None
    return shadow


def pay(world: World, shadow: Shadow, amount_fen: int) -> str:
    result, _ = world.pay("Li", "Tea house", amount_fen)
    shadow.catch_up()
    return result


@pytest.mark.parametrize(
    ("language", "words"), [("en", "No reform is on trial"), ("zh", "目前没有试算中的改革方案")]
)
def test_without_a_reform_the_page_says_how_to_start_one(
    client: Client, world: World, language: str, words: str
) -> None:
    answer = client.get(f"/shadow?lang={language}")
    assert answer.status_code == 200
    assert words in text_of(answer.text)
    assert f"jiaozi law shadow REFORM.toml --folder {world.office.folder}" in text_of(answer.text)
    assert 'href="/shadow"' in client.get("/law").text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "Newly refused 1 of a value of 120.00",
                "Newly admitted 0",
                "An exercise draft",
                "nobody has enacted",
            ),
        ),
        ("zh", ("新增拒绝 1 金额 120.00", "新增放行 0", "习作 草案", "尚未颁布")),
    ],
)
def test_the_difference_stands_there_with_its_article(
    client: Client, world: World, language: str, words: tuple[str, ...]
) -> None:
    shadow = try_reform(world)
    assert pay(world, shadow, 120_00) == "created"
    assert pay(world, shadow, 90_00) == "created"
    text = text_of(client.get(f"/shadow?lang={language}").text)
    for each in words:
        assert each in text
    assert "cn-sh.pay/single_cap" in text
    assert "exercise art 1" in text
    assert shadow.law.digest.hex()[:4] in text


def test_what_would_be_admitted_stands_there_too(client: Client, world: World) -> None:
    shadow = try_reform(world, cap(3_000))
    assert pay(world, shadow, 2_000_01) == "refused_by_law"
    text = text_of(client.get("/shadow?lang=en").text)
    assert "Newly refused 0" in text
    assert "Newly admitted 1 of a value of 2,000.01" in text


def test_a_running_server_picks_a_reform_up_and_lets_it_go(client: Client, world: World) -> None:
    assert "No reform is on trial" in client.get("/shadow?lang=en").text
    place(world.office.folder, Asked("lower-cap", [], world.office.book.digest.hex()), cap(100))
    assert "lower-cap" in client.get("/shadow").text
    take_away(world.office.folder)
    assert "No reform is on trial" in client.get("/shadow").text


def test_a_reform_nobody_can_read_says_so_and_is_escaped(client: Client, world: World) -> None:
    place(world.office.folder, Asked(EVIL, [], world.office.book.digest.hex()), f"x = '{EVIL}'")
    answer = client.get("/shadow?lang=en")
    assert answer.status_code == 200
    assert "The reform is not asked" in answer.text
    assert EVIL not in answer.text


def test_the_figures_move_while_payments_run(world: World) -> None:
    shadow = try_reform(world)
    pay(world, shadow, 10_00)
    with Background(world.office) as console, stream(f"{console.url}live-shadow?lang=en") as news:
        first = next(news)
        assert 'data-figure="asked">1<' in first["data"]
        assert int(first["id"]) == shadow.last[0]
        pay(world, shadow, 120_00)
        second = next(news)
        assert 'data-figure="refused">1<' in second["data"]
        assert int(second["id"]) == int(first["id"]) + 1


def test_who_has_seen_the_last_event_gets_news_only(world: World) -> None:
    shadow = try_reform(world)
    pay(world, shadow, 10_00)
    seen = str(shadow.last[0])
    with (
        Background(world.office) as console,
        stream(f"{console.url}live-shadow?after=0", **{"last-event-id": seen}) as news,
    ):
        pay(world, shadow, 120_00)
        assert 'data-figure="refused">1<' in next(news)["data"]


def test_the_stream_tells_that_the_reform_was_taken_away(world: World) -> None:
    shadow = try_reform(world)
    pay(world, shadow, 10_00)
    with Background(world.office) as console, stream(f"{console.url}live-shadow?lang=en") as news:
        next(news)
        take_away(world.office.folder)
        assert "was taken away" in next(news)["data"]


def test_the_reform_goes_on_when_the_office_is_opened_again(world: World) -> None:
    shadow = try_reform(world)
    pay(world, shadow, 120_00)
    folder = world.office.folder
    world.office.close()
    with Office.open(folder, clock=world.clock) as again:
        found = again.shadow().shadow
        assert found is not None
        assert found.difference().sums == shadow.difference().sums
        assert len(list((folder / "shadow").glob("*.rows"))) == 2


@pytest.mark.parametrize(
    ("language", "words"), [("en", "another law was enacted in frame"), ("zh", "已颁布新规则")]
)
def test_another_law_stops_the_reform_and_the_page_says_so(
    client: Client, world: World, language: str, words: str
) -> None:
    pay(world, try_reform(world), 120_00)
    other = cap(1_900, "2027-01-01").replace("exercise", "notice")
    world.office.enact(with_reform(world.office.book, "other", other))
    text = text_of(client.get(f"/shadow?lang={language}").text)
    assert words in text
    assert "120.00" in text, "what was compared stays"
