"""Random law that can be read, and random questions to it.

The words (places, facts, values, sources) are those of the small law. Rules, needs,
dates, suspensions, values and exceptions are drawn. What the reader would refuse is
made right here: every value is set, every exception has both sides, and each
jurisdiction has a way out that never ends.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from hypothesis import strategies as st

from jiaozi.clock import Instant
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.decide import TOUCHING, Facts
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.read import read
from jiaozi.rulebook.timeline import cuts
from jiaozi.rulebook.vocabulary import FactType

from .law_scenes import SMALL_LAW, Question, law

WORD_TEXTS = {
    name: (SMALL_LAW / name).read_text(encoding="utf-8")
    for name in ("places.toml", "facts.toml", "sources.toml")
}
TITLE = 'title = { en = "a", zh = "甲" }'
CITE = 'cite = "cn-42 art 1"'
WORD_TEXTS["events.toml"] = f"""
[[event]]
id = "cn.opened"
{TITLE}
day = 2026-02-06
{CITE}

[[event]]
id = "hk.awaited"
{TITLE}
"""
"""One event that has happened, and one that is pending."""

PLACES = ("cn", "cn-sh", "hk")
DAYS = [date(2020, 1, 1), date(2021, 9, 24), date(2026, 2, 6), date(2027, 1, 1), date(2027, 1, 2)]
SERIES = ("limit.single", "limit.balance", "limit.day", "limit.year")

_WORDS = law().vocabulary
_SERIES = tuple(_WORDS.values)
_COINS = [fact.id for fact in _WORDS.facts.values() if fact.unit == "coin"]
_TEXTS = [fact for fact in _WORDS.facts.values() if fact.type is FactType.TEXT]
_PLACED = [fact.id for fact in _WORDS.facts.values() if fact.type is FactType.PLACE]
_SETS = [fact.id for fact in _WORDS.facts.values() if fact.type is FactType.PLACES]
_OPS = ("<=", "<", ">=", ">", "==", "!=")


# -- conditions ---------------------------------------------------------------------------


_BY_TIER = [f"{series}[{who}.tier]" for series in SERIES for who in ("payer", "payee")]
# Facts of one unit, values of the law in that unit, and the largest number that is written.
_UNITS: dict[str, tuple[list[str], list[str], int]] = {
    "coin": (_COINS, [*_BY_TIER, "limit.zone[payee.zone]"], 10**15),
    "HKD": (["payment.amount_hkd"], ["travel.full_from"], 10**15),
    "days": (["asset.days"], ["reserve.max_days[asset.kind]"], 400),
    "percent": (["asset.share", "reserve.deposit_share"], ["reserve.max_share[asset.kind]"], 100),
    "count": (["use.transactions"], ["use.most_transactions"], 10**6),
}


@st.composite
def _sums(draw: st.DrawFn) -> str:
    """Draw a comparison of two sums, one unit on both sides, at most one value on a side."""
    facts, values, largest = _UNITS[draw(st.sampled_from(("coin", "coin", *_UNITS)))]
    amounts = st.integers(0, largest).map(str)
    fact = st.sampled_from(facts)
    sides = []
    for first in (fact, st.one_of(fact, amounts, st.sampled_from(values))):
        side = draw(first)
        for term in draw(st.lists(st.one_of(fact, amounts), max_size=draw(st.sampled_from((0, 1, 3))))):
            side += draw(st.sampled_from((" + ", " + ", " - "))) + term
        sides.append(side)
    if draw(st.booleans()):
        sides.reverse()
    return f"{sides[0]} {draw(st.sampled_from(_OPS))} {sides[1]}"


@st.composite
def _words(draw: st.DrawFn) -> str:
    """Draw a question about a word, a place or a set of places."""
    kind = draw(st.integers(0, 2))
    negated = draw(st.sampled_from(("", "not ")))
    if kind == 0:
        return f"'{draw(st.sampled_from(PLACES))}' {negated}in {draw(st.sampled_from(_SETS))}"
    if kind == 1:
        fact = draw(st.sampled_from(_TEXTS))
        name, words = fact.id, list(fact.words)
    else:
        name, words = draw(st.sampled_from(_PLACED)), list(PLACES)
    chosen = draw(st.lists(st.sampled_from(words), min_size=1, max_size=3))
    if len(chosen) == 1 and draw(st.booleans()):
        return f"{name} {'!=' if negated else '=='} '{chosen[0]}'"
    return f"{name} {negated}in ({', '.join(repr(word) for word in chosen)},)"


def conditions() -> st.SearchStrategy[str]:
    """Draw a condition in the language."""
    return st.recursive(
        st.one_of(_sums(), _words()),
        lambda inner: st.one_of(
            inner.map(lambda part: f"not ({part})"),
            st.lists(inner, min_size=2, max_size=3).map(lambda ps: " and ".join(f"({p})" for p in ps)),
            st.lists(inner, min_size=2, max_size=3).map(lambda ps: " or ".join(f"({p})" for p in ps)),
        ),
        max_leaves=4,
    )


# -- files ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class RandomLaw:
    """A law as blocks of text, so that a test can move them about. `blocks` are in pairs (place, block)."""

    blocks: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...]

    def texts(self) -> dict[str, str]:
        texts = dict(WORD_TEXTS)
        for place in PLACES:
            own = [block for where, block in (*self.blocks, *self.values) if where == place]
            head = f'[book]\nplace = "{place}"\nstatus = "enacted"\n{TITLE}\n'
            texts[f"{place}.toml"] = "\n".join((head, *own))
        return texts

    def book(self) -> Book:
        return read(self.texts())

    def with_block(self, place: str, block: str) -> RandomLaw:
        return replace(self, blocks=(*self.blocks, (place, block)))


@st.composite
def _span(draw: st.DrawFn) -> str:
    """Draw when something applies: a day, an event, an end, a suspension; and how sure we are of it."""
    first, last = sorted(draw(st.lists(st.sampled_from(DAYS), min_size=2, max_size=2, unique=True)))
    form = draw(st.integers(0, 9))
    if form == 0:
        lines = [f'from = {{ event = "cn.opened", days = {draw(st.integers(0, 400))} }}']
    elif form == 1:
        by = draw(st.sampled_from(("", f", by = {last}")))
        lines = [f'from = {{ event = "hk.awaited"{by} }}']
    else:
        lines = [f"from = {first}"] + ([f"until = {last}"] if draw(st.booleans()) else [])
    if draw(st.integers(0, 3)) == 0:
        # What starts with an event may start after the last day: then its suspension must stay open.
        until = draw(st.sampled_from(("", f", until = {last}"))) if form > 1 else ""
        lines.append(f"suspended = [{{ from = {first}{until}, {CITE} }}]")
    if draw(st.integers(0, 3)) == 0:
        lines.append('confidence = "unconfirmed"')
    return "\n".join(lines)


def _quoted(conditions: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{text}"' for text in conditions) + "]"


@st.composite
def forbids(draw: st.DrawFn, rule_id: str, *, yields_to: Sequence[str] = ()) -> str:
    """Draw a ban."""
    actions = draw(st.sets(st.sampled_from(list(Action)), min_size=1))
    # A ban without a condition would make the permits of its place dead, which the reader refuses.
    when, unless = (
        draw(st.lists(conditions(), min_size=1, max_size=2)),
        draw(st.lists(conditions(), max_size=2)),
    )
    lines = ["[[rule]]", f'id = "{rule_id}"', TITLE, CITE, draw(_span())]
    lines.append(f"forbid = {[str(action) for action in sorted(actions)]}")
    lines.append(f"when = {_quoted(when)}")
    lines.append(f"unless = {_quoted(unless)}")
    if draw(st.booleans()):
        lines.append('reach = "anywhere"')
    if yields_to:
        lines.append(f"yields_to = {list(yields_to)}")
    return "\n".join(lines) + "\n"


@st.composite
def permits(draw: st.DrawFn, rule_id: str, *, lifts: str = "", way_out: bool = False) -> str:
    """Draw a permit; a way out redeems for ever."""
    actions = ["redeem"] if way_out else draw(st.lists(st.sampled_from(list(Action)), min_size=1))
    when = draw(st.lists(conditions(), max_size=1))
    lines = ["[[rule]]", f'id = "{rule_id}"', TITLE, CITE]
    lines.append(f"from = {DAYS[0]}" if way_out else draw(_span()))
    lines.append(f"permit = {[str(action) for action in actions]}")
    lines.append(f"when = {_quoted(when)}")
    if draw(st.booleans()):
        lines.append('reach = "anywhere"')
    if lifts:
        lines.append(f'lifts = "{lifts}"')
    lines.append("[rule.need]")
    for number, condition in enumerate(draw(st.lists(conditions(), max_size=3))):
        lines.append(f'need_{number} = {{ if = "{condition}", {CITE}, {TITLE} }}')
    return "\n".join(lines) + "\n"


@st.composite
def _values(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Draw every value of every place, from one or two days on, for some of its keys."""
    blocks = []
    for place in PLACES:
        for series in draw(st.permutations(_SERIES)):
            unit, keys = _WORDS.values[series].unit, _WORDS.keys_of(series)
            largest = {"": 10**15, "percent": 100}.get(unit, 10**6)
            amounts = st.one_of(st.just('"unlimited"'), st.just("0"), st.integers(0, largest).map(str))
            for day in sorted(draw(st.sets(st.sampled_from(DAYS), min_size=1, max_size=2))):
                chosen = sorted(draw(st.sets(st.sampled_from(keys), min_size=1))) if keys else []
                written = ", ".join(f"{key} = {draw(amounts)}" for key in chosen)
                number = f"{{ {written} }}" if keys else draw(amounts)
                lines = [f"[[{series}]]", f"from = {day}", CITE, f"{unit or 'HKD'} = {number}"]
                if not unit and draw(st.booleans()):
                    lines.append(f"CNY = {number}")
                blocks.append((place, "\n".join(lines) + "\n"))
    return blocks


@st.composite
def laws(draw: st.DrawFn) -> RandomLaw:
    """Draw a law of three places."""
    blocks = [(place, draw(permits(f"{place}.way_out", way_out=True))) for place in ("cn", "hk")]
    for place in PLACES:
        ban = f"{place}.ban"
        lifting: list[str] = []
        amendments: list[str] = []
        for number in range(draw(st.integers(1, 3))):
            where = draw(st.sampled_from(PLACES))
            permit = f"{where}.lifting_{PLACES.index(place)}_{number}"
            kind = draw(st.sampled_from(("no exception", "exception", "amendment")))
            if kind == "exception":
                lifting.append(permit)
            elif kind == "amendment":
                day = draw(st.sampled_from(DAYS))
                amendments.append(
                    f'[[amend]]\nrule = "{ban}"\nyields_to = ["{permit}"]\n{CITE}\nfrom = {day}\n'
                )
            blocks.append((where, draw(permits(permit, lifts="" if kind == "no exception" else ban))))
        blocks.append((place, draw(forbids(ban, yields_to=lifting))))
        blocks += [(place, amendment) for amendment in amendments]
        for number in range(draw(st.integers(0, 2))):
            blocks.append((place, draw(permits(f"{place}.permit_{number}"))))
        if draw(st.booleans()):
            hold = f'[[always]]\nid = "{place}.always"\nhold = "{draw(conditions())}"\n'
            blocks.append((place, f"{hold}{TITLE}\n{CITE}\n{draw(_span())}\n"))
    return RandomLaw(tuple(blocks), tuple(draw(_values())))


# -- questions ------------------------------------------------------------------------------

_AMOUNTS = (0, 1, 1_00, 2_000_00, 2_000_01, 50_000_00, MAX_FEN - 1, MAX_FEN)


def questions(book: Book, seed: int, count: int) -> list[Question]:
    """Return *count* random questions: missing facts, unknown words, extremes, instants around the cuts."""
    rng = random.Random(seed)
    moments = [cut + step for cut in cuts(book) for step in (-1_000_000_000, -1, 0, 1)]
    return [_question(book, rng, moments) for _ in range(count)]


def _question(book: Book, rng: random.Random, moments: Sequence[int]) -> Question:
    words = book.vocabulary
    facts: dict[str, int | str | frozenset[str] | None] = {}
    gaps = rng.choice((0.0, 0.02, 0.3))
    # Most actions lie in one or two places; a law of many is asked about all of them in turn.
    places = rng.choices(tuple(words.places), k=rng.choice((1, 2, 4)))
    draw: dict[FactType, Callable[[tuple[str, ...]], int | str | frozenset[str]]] = {
        FactType.NUMBER: lambda _: rng.choice((0, 1, 93, 100_00, rng.randint(0, 1_000_000))),
        FactType.MONEY: lambda _: rng.choice((rng.choice(_AMOUNTS), rng.randint(0, MAX_FEN))),
        FactType.TEXT: lambda known: rng.choice((*known, "no such word") if gaps else known),
        FactType.PLACE: lambda _: "atlantis" if gaps == 0.02 and rng.random() < 0.05 else rng.choice(places),
        FactType.PLACES: lambda _: frozenset(rng.sample((*words.places, "atlantis"), rng.randint(0, 3))),
    }
    for fact in words.facts.values():
        if rng.random() >= gaps:
            facts[fact.id] = draw[fact.type](fact.words)
        elif rng.random() < 0.5:
            facts[fact.id] = None
    if gaps == 0.3:
        # Places are kept, or nothing but "unknown place" would ever be asked.
        facts |= {name: rng.choice(places) for name in TOUCHING}
    known: Facts = facts
    return rng.choice(list(Action)), known, Instant(rng.choice(moments))
