"""Who moved after whom before: the order in which places moved on each topic, from the dated facts of the law.

A *move* is the day on which a provision of a place, or a number it sets, begins, changes or ends. A place's
*first move* on a topic is the earliest day on which something began. For one place the history is told
against every other: on how many topics that one moved later, earlier or on the same day, and by how many days.

This is history. The counts are small, and order in time is no cause: nothing here forecasts anything.
What is proposed or drafted is no move, for its day in the file is there only so that it can be tried.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from jiaozi.rulebook.known import as_known
from jiaozi.rulebook.model import (
    Book,
    Cite,
    Confidence,
    DatedValue,
    Rule,
    Series,
    Span,
    Status,
    Topic,
    Wording,
)
from jiaozi.rulebook.vocabulary import Vocabulary

VALUE_TOPICS: Mapping[str, Topic] = {
    "capital": Topic.CAPITAL,
    "exchange": Topic.CAPS,
    "fees": Topic.DISCLOSURE,
    "identity": Topic.IDENTIFICATION,
    "issuer": Topic.ISSUER,
    "limit": Topic.CAPS,
    "own_funds": Topic.CAPITAL,
    "penalty": Topic.OPERATIONS,
    "records": Topic.OPERATIONS,
    "redeem": Topic.REDEMPTION,
    "report": Topic.OPERATIONS,
    "reserve": Topic.RESERVE,
    "significant": Topic.ISSUER,
    "travel": Topic.TRAVEL,
    "use": Topic.CAPS,
}
"""The topic of a number that the law sets, by the first word of its name; numbers have no topic in their files."""

BEGINS, CHANGES, ENDS = "begins", "changes", "ends"


@dataclass(frozen=True, slots=True)
class Move:
    """One dated fact: *name* (a rule, `rule/need`, or a value) of *place* begins, changes or ends on *day*."""

    day: date
    place: str
    topic: Topic
    name: str
    what: str
    title: Wording
    cite: Cite
    link: str
    status: Status
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Turn:
    """One topic on which both places have moved: their first moves, and the days from the first to the second."""

    topic: Topic
    ours: Move
    theirs: Move

    @property
    def days(self) -> int:
        return (self.theirs.day - self.ours.day).days


@dataclass(frozen=True, slots=True)
class Pair:
    """What was seen between the place asked about and *other*: one turn for each topic both have moved on."""

    other: str
    turns: tuple[Turn, ...]

    @property
    def after(self) -> tuple[Turn, ...]:
        """The topics on which *other* moved later, the soonest first."""
        return tuple(sorted((turn for turn in self.turns if turn.days > 0), key=_delay))

    @property
    def before(self) -> tuple[Turn, ...]:
        """The topics on which *other* had moved earlier, the latest first."""
        return tuple(sorted((turn for turn in self.turns if turn.days < 0), key=_delay, reverse=True))

    @property
    def same_day(self) -> tuple[Turn, ...]:
        return tuple(turn for turn in self.turns if turn.days == 0)

    @property
    def median_days(self) -> Fraction | None:
        """The median delay in days over the topics on which *other* moved later; None without any."""
        delays = [turn.days for turn in self.after]
        if not delays:
            return None
        middle = len(delays) // 2
        return Fraction(
            delays[middle] if len(delays) % 2 else Fraction(sum(delays[middle - 1 : middle + 1]), 2)
        )


@dataclass(frozen=True, slots=True)
class Followed:
    """One day on which the place moved on *topic*, and the next move of each other place on it after that day."""

    move: Move
    next_moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Diffusion:
    """The history of *place* against all others as it could be read on *on*.

    `orders` has for each topic the first move of each place, in order; `moves` all that count, `drafts`
    what is no law, `to_come` what is enacted and had not begun on *on*; none of the last two is counted.
    """

    place: str
    on: date
    with_drafts: bool
    law: bytes
    orders: Mapping[Topic, tuple[Move, ...]]
    pairs: tuple[Pair, ...]
    followed: tuple[Followed, ...]
    moves: tuple[Move, ...]
    drafts: tuple[Move, ...]
    to_come: tuple[Move, ...]

    @property
    def own_topics(self) -> tuple[Topic, ...]:
        """The topics on which the place has moved: how small every count here is."""
        return tuple(
            topic for topic, firsts in self.orders.items() if any(m.place == self.place for m in firsts)
        )


def diffusion(
    book: Book, place: str, on: date, *, topic: Topic | None = None, with_drafts: bool = False
) -> Diffusion:
    """Return who moved after *place* and who before, as the law could be read on *on*; one *topic*, or all.

    *book* holds the drafts and proposals that are to be shown. Raises `ValueError` for a place that
    is not known, or that is a yardstick.
    """
    known_place(book.vocabulary, place)
    dated = [
        move
        for move in sorted(_moves(as_known(book, on)), key=_order)
        if topic is None or move.topic is topic
    ]
    drafts = tuple(move for move in dated if not move.status.is_law)
    to_come = tuple(move for move in dated if move.status.is_law and move.day > on)
    counted = tuple(move for move in dated if move.day <= on and (with_drafts or move.status.is_law))
    orders = _orders(counted)
    return Diffusion(
        place,
        on,
        with_drafts,
        book.digest,
        orders,
        tuple(_pairs(book.vocabulary, orders, place)),
        tuple(_followed(counted, place)),
        counted,
        drafts,
        to_come,
    )


def known_place(words: Vocabulary, place: str) -> None:
    """Raise `ValueError` unless *place* is one that has law of its own."""
    known = [found.id for found in words.places.values() if not found.is_yardstick]
    if place not in known:
        raise ValueError(f"no such place {place!r:.60}; places are {', '.join(known)}")


def topic_of_value(series: str) -> Topic | None:
    """Return the topic of the value *series*, or None for one that has none here."""
    return VALUE_TOPICS.get(series.partition(".")[0])


def _delay(turn: Turn) -> tuple[int, str]:
    return turn.days, str(turn.topic)


def _order(move: Move) -> tuple[date, str, str, str, str]:
    return move.day, move.place, str(move.topic), move.name, move.what


def _moves(book: Book) -> Iterator[Move]:
    places = book.vocabulary.places
    for found in book.provisions:
        if places[found.place].is_yardstick:
            continue
        texts = [(found.id, found.topic, found.title, found.cite)]
        if isinstance(found, Rule):
            # A need with a topic of its own is a move on that one too: the rule of 2025 on paying may be
            # the first word of a place on travel data.
            texts += [
                (f"{found.id}/{need.name}", need.topic, need.title, need.cite)
                for need in found.needs
                if need.topic is not found.topic
            ]
        for name, topic, title, cite in texts:
            yield from _of_span(
                book,
                found.span,
                Move(
                    found.span.start_day,
                    found.place,
                    topic,
                    name,
                    BEGINS,
                    title,
                    cite,
                    "",
                    found.status,
                    found.confidence,
                ),
            )
    for series in book.series.values():
        about = topic_of_value(series.id)
        if about is not None and not places[series.place].is_yardstick:
            yield from _of_series(book, series, about)


def _of_series(book: Book, series: Series, topic: Topic) -> Iterator[Move]:
    title = book.vocabulary.values[series.id].title
    before: DatedValue | None = None
    for value in series.dated:
        # A text that states the same numbers again moves nothing.
        if before is not None and before.amounts == value.amounts:
            continue
        what = BEGINS if before is None else CHANGES
        yield from _of_span(
            book,
            value.span,
            Move(
                value.start_day,
                series.place,
                topic,
                series.id,
                what,
                title,
                value.cite,
                "",
                value.status,
                value.confidence,
            ),
        )
        before = value


def _of_span(book: Book, span: Span, move: Move) -> Iterator[Move]:
    """Yield *move* and the end of what it began, unless they wait for an event without a day."""
    if span.is_pending or span.start_day.year == date.max.year:
        return
    yield _at(book, move, move.day, move.what, move.cite, move.status)
    if span.end_day is not None:
        # An end that only a draft would set is no move either.
        status = move.status if span.end_status.is_law else span.end_status
        yield _at(book, move, span.end_day, ENDS, span.end_cite or move.cite, status)


def _at(book: Book, move: Move, day: date, what: str, cite: Cite, status: Status) -> Move:
    link = book.sources[cite.source].link
    return Move(day, move.place, move.topic, move.name, what, move.title, cite, link, status, move.confidence)


def _orders(moves: Sequence[Move]) -> dict[Topic, tuple[Move, ...]]:
    """Return for each topic the first move of each place, in the order of their days."""
    firsts: dict[Topic, dict[str, Move]] = defaultdict(dict)
    for move in moves:
        if move.what == BEGINS:
            firsts[move.topic].setdefault(move.place, move)
    return {topic: tuple(firsts[topic].values()) for topic in Topic if topic in firsts}


def _pairs(words: Vocabulary, orders: Mapping[Topic, tuple[Move, ...]], place: str) -> Iterator[Pair]:
    for other in words.places:
        turns = []
        for topic, firsts in orders.items():
            by_place = {move.place: move for move in firsts}
            if other != place and place in by_place and other in by_place:
                turns.append(Turn(topic, by_place[place], by_place[other]))
        if turns:
            yield Pair(other, tuple(turns))


def _followed(moves: Sequence[Move], place: str) -> Iterator[Followed]:
    """Yield each topic and day on which *place* moved, with the next move of every other place on that topic."""
    seen: set[tuple[Topic, date]] = set()
    for move in moves:
        if move.place != place or (move.topic, move.day) in seen:
            continue
        seen.add((move.topic, move.day))
        following: dict[str, Move] = {}
        for later in moves:
            if later.topic is move.topic and later.day > move.day and later.place != place:
                following.setdefault(later.place, later)
        yield Followed(move, tuple(following.values()))
