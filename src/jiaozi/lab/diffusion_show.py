"""A history of who moved after whom: as text, as data for JSON, and as a page with a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from html import escape
from typing import Any

from jiaozi.lab.diffusion import BEGINS, CHANGES, ENDS, Diffusion, Move, Pair, Turn
from jiaozi.lab.diffusion_picture import picture
from jiaozi.rulebook.model import Book, Confidence
from jiaozi.rulebook.telling.compare import TOPIC_TITLES
from jiaozi.rulebook.telling.document import NOT_ADVICE, document
from jiaozi.rulebook.telling.explain import NOT_LAW

_WORDS = {
    "en": {
        "title": "{place}: who moved after it, and who before",
        "history": "History, not a forecast. That one place moved after another does not say that it moved "
        "because of it, nor that anyone will do so again.",
        "small": "The counts are very small: {place} has moved on {n} of {all} topics, and places often move "
        "on many topics by one law on one day, so they are not as many separate observations.",
        "nothing": "{place} has not moved on any of these topics by {on}: there is nothing to compare.",
        "as_known": "As the law could be read on {on}, from dated provisions and numbers only. Law {law}.",
        "drafts_out": "{n} drafted or proposed moves are not counted: a draft has moved nothing.",
        "drafts_in": "Drafts and proposals are counted here because that was asked for (--with-drafts). "
        "Their days were set so that they can be tried; no place has moved on them.",
        "to_come": "{n} moves are enacted and had not begun on {on}; they are not counted.",
        "order": "First moves by topic",
        "pairs": "Place by place",
        "pair": "{other}: n = {n} topics on {days} pairs of days; moved after {place} on {after}, "
        "before it on {before}, on the same day on {same}.",
        "delays": "Days after {place}: median {median}, from {least} to {most}.",
        "other": "Place",
        "n": "Topics (n)",
        "day_pairs": "Pairs of days",
        "after": "After",
        "before": "Before",
        "same": "Same day",
        "median": "Median delay",
        "range": "Range",
        "all": "Every delay, with both texts",
        "topic": "Topic",
        "ours": "{place} moved",
        "theirs": "The other moved",
        "days": "Days",
        "followed": "Each day on which {place} moved, and who moved next on that topic",
        "next": "Next moves of others",
        "nobody": "nobody yet",
        "drafts": "Drafts and proposals, not counted",
        "coming": "Enacted, not begun",
        "unconfirmed": "unconfirmed",
        "key": "Dark: {place}. Large: a place's first move on the topic; small: a later change or end. "
        "Dashed and hollow: draft or proposal; hollow: enacted, not begun.",
        BEGINS: "begins",
        CHANGES: "changes",
        ENDS: "ends",
    },
    "zh": {
        "title": "{place}：谁在其后，谁在其先",
        "history": "仅为历史，不作预测。一地晚于另一地行动，并不说明前者受后者影响，也不说明今后仍会如此。",
        "small": "样本极小：{place}在{all}个主题中的{n}个上有过行动；各地常以一部法律在同一天就多个主题行动，"
        "因此并非同样多次的独立观察。",
        "nothing": "截至{on}，{place}在这些主题上尚无行动，无可比较。",
        "as_known": "依{on}可查知的法律，仅取自有日期的条款与数值。法律摘要 {law}。",
        "drafts_out": "另有{n}项草案或提案不计入：草案并未使任何事项发生变动。",
        "drafts_in": "应要求（--with-drafts）将草案与提案计入；其日期仅为试算而设，并无任何地区据此行动。",
        "to_come": "另有{n}项已颁布而于{on}尚未施行，不计入。",
        "order": "各主题首次行动的次序",
        "pairs": "逐地对照",
        "pair": "{other}：n = {n}个主题（{days}对日期）；{after}个主题晚于{place}，{before}个早于其，{same}个同日。",
        "delays": "晚于{place}的天数：中位数{median}，最短{least}，最长{most}。",
        "other": "地区",
        "n": "主题数 n",
        "day_pairs": "日期对数",
        "after": "其后",
        "before": "其先",
        "same": "同日",
        "median": "延迟中位数",
        "range": "范围",
        "all": "全部延迟及双方出处",
        "topic": "主题",
        "ours": "{place}的行动",
        "theirs": "对方的行动",
        "days": "天数",
        "followed": "{place}的每一行动日，及其后各地在同一主题上的下一次行动",
        "next": "其后各地的行动",
        "nobody": "尚无",
        "drafts": "草案与提案（不计入）",
        "coming": "已颁布，尚未施行",
        "unconfirmed": "未确认",
        "key": "深色：{place}。大点：该地在此主题上的首次行动；小点：其后的修改或终止。"
        "虚线空心：草案或提案；空心：已颁布未施行。",
        BEGINS: "开始",
        CHANGES: "修改",
        ENDS: "终止",
    },
}


class _Teller:
    """Words shared by the text and the page."""

    def __init__(self, book: Book, found: Diffusion, language: str) -> None:
        self.book, self.found, self.language, self.words = book, found, language, _WORDS[language]
        self.place = self.name(found.place)

    def say(self, key: str, **numbers: object) -> str:
        return self.words[key].format(place=self.place, on=self.found.on, **numbers)

    def name(self, place: str) -> str:
        return self.book.vocabulary.places[place].title[self.language].split(" (")[0].split("（")[0]

    def notes(self) -> Iterator[str]:
        """Yield what must be said each time: what this is, how small the counts are, what is left out."""
        found = self.found
        yield self.words["history"]
        if found.own_topics:
            yield self.say("small", n=len(found.own_topics), all=len(found.orders))
        else:
            yield self.say("nothing")
        if found.with_drafts:
            yield self.words["drafts_in"]
        elif found.drafts:
            yield self.say("drafts_out", n=len(found.drafts))
        if found.to_come:
            yield self.say("to_come", n=len(found.to_come))
        yield self.say("as_known", law=found.law.hex()[:16])

    def marks(self, move: Move) -> str:
        """Return the marks of *move*: no law, not confirmed."""
        marks = [] if move.status.is_law else [NOT_LAW[move.status][self.language]]
        marks += [self.words["unconfirmed"]] if move.confidence is Confidence.UNCONFIRMED else []
        return "".join(f" [{mark}]" for mark in marks)

    def pair(self, pair: Pair) -> Iterator[str]:
        yield self.say(
            "pair",
            other=self.name(pair.other),
            n=len(pair.turns),
            days=_day_pairs(pair),
            after=len(pair.after),
            before=len(pair.before),
            same=len(pair.same_day),
        )
        if pair.after:
            yield self.say(
                "delays",
                median=_number(pair.median_days),
                least=pair.after[0].days,
                most=pair.after[-1].days,
            )


def as_text(book: Book, found: Diffusion, language: str) -> str:
    """Return the history as lines for a terminal, with both texts for every delay."""
    teller = _Teller(book, found, language)
    lines = [teller.say("title"), *teller.notes()]
    lines += ["", teller.words["order"].upper()]
    for topic, firsts in found.orders.items():
        lines.append(f"  {TOPIC_TITLES[topic][language]}")
        lines += [
            f"    {move.day}  {move.place:<6} {move.name}  ({move.cite}){teller.marks(move)}"
            for move in firsts
        ]
    lines += ["", teller.words["pairs"].upper()]
    for pair in found.pairs:
        lines += [f"  {line}" for line in teller.pair(pair)]
        lines += [f"    {_turn_text(turn, language)}" for turn in (*pair.after, *pair.same_day, *pair.before)]
    for key, moves in (("drafts", () if found.with_drafts else found.drafts), ("coming", found.to_come)):
        if moves:
            lines += ["", teller.words[key].upper()]
            lines += [
                f"  {move.day}  {move.place:<6} {teller.words[move.what]:<8} {move.name}  ({move.cite})"
                f"{teller.marks(move)}"
                for move in moves
            ]
    return "\n".join([*lines, "", NOT_ADVICE[language]]) + "\n"


def as_data(found: Diffusion, language: str) -> dict[str, Any]:
    """Return the history as plain data for JSON; every number has its day and the text it comes from."""
    words = _WORDS[language]
    return {
        "is": words["history"],
        "place": found.place,
        "on": str(found.on),
        "with_drafts": found.with_drafts,
        "law": found.law.hex(),
        "language": language,
        "topics": len(found.own_topics),
        "order": {
            str(topic): [_move_data(move, language) for move in firsts]
            for topic, firsts in found.orders.items()
        },
        "pairs": [
            {
                "other": pair.other,
                "topics": len(pair.turns),
                "pairs_of_days": _day_pairs(pair),
                "after": len(pair.after),
                "before": len(pair.before),
                "same_day": len(pair.same_day),
                "median_days": None if pair.median_days is None else _number(pair.median_days),
                "range_days": [pair.after[0].days, pair.after[-1].days] if pair.after else None,
                "turns": [
                    {
                        "topic": str(turn.topic),
                        "days": turn.days,
                        "ours": _move_data(turn.ours, language),
                        "theirs": _move_data(turn.theirs, language),
                    }
                    for turn in pair.turns
                ],
            }
            for pair in found.pairs
        ],
        "followed": [
            {
                "move": _move_data(each.move, language),
                "next": [_move_data(m, language) for m in each.next_moves],
            }
            for each in found.followed
        ],
        "drafts": [_move_data(move, language) for move in found.drafts],
        "to_come": [_move_data(move, language) for move in found.to_come],
    }


def as_html(book: Book, found: Diffusion, language: str) -> str:
    """Return the history as a stand-alone page that prints well."""
    teller = _Teller(book, found, language)
    return document(teller.say("title"), "\n".join(_page(teller)), language, is_wide=True)


def _page(teller: _Teller) -> Iterator[str]:
    found, words, language = teller.found, teller.words, teller.language
    yield f'<p class="not-advice">{escape(NOT_ADVICE[language])}</p>'
    for number, note in enumerate(teller.notes()):
        yield f"<p><strong>{escape(note)}</strong></p>" if number < 2 else f"<p>{escape(note)}</p>"
    yield f"<h2>{escape(words['order'])}</h2>"
    yield f'<div class="scroll">{picture(teller.book, found, language)}</div>'
    yield f'<p class="soft">{escape(teller.say("key"))}</p>'
    yield f"<h2>{escape(words['pairs'])}</h2>"
    keys = ("other", "n", "day_pairs", "after", "before", "same", "median", "range")
    rows = [
        [
            escape(teller.name(pair.other)),
            str(len(pair.turns)),
            str(_day_pairs(pair)),
            str(len(pair.after)),
            str(len(pair.before)),
            str(len(pair.same_day)),
            _number(pair.median_days) if pair.after else "–",
            f"{pair.after[0].days} – {pair.after[-1].days}" if pair.after else "–",
        ]
        for pair in found.pairs
    ]
    yield _table([words[key] for key in keys], rows)
    yield f"<h2>{escape(words['all'])}</h2>"
    yield _table(
        [words["other"], words["topic"], teller.say("ours"), words["theirs"], words["days"]],
        [
            [
                escape(teller.name(pair.other)),
                escape(TOPIC_TITLES[turn.topic][language]),
                _cell(teller, turn.ours),
                _cell(teller, turn.theirs),
                f"{turn.days:+}" if turn.days else "0",
            ]
            for pair in found.pairs
            for turn in (*pair.after, *pair.same_day, *pair.before)
        ],
    )
    yield f"<h2>{escape(teller.say('followed'))}</h2>"
    yield _table(
        [words["topic"], teller.say("ours"), words["next"]],
        [
            [
                escape(TOPIC_TITLES[each.move.topic][language]),
                _cell(teller, each.move),
                "<br>".join(
                    f"{escape(teller.name(m.place))} +{(m.day - each.move.day).days}: {_cell(teller, m)}"
                    for m in each.next_moves
                )
                or escape(words["nobody"]),
            ]
            for each in found.followed
        ],
    )
    for key, moves in (("drafts", () if found.with_drafts else found.drafts), ("coming", found.to_come)):
        if moves:
            yield f"<h2>{escape(words[key])}</h2>"
            yield _table(
                [words["other"], words["topic"], ""],
                [
                    [
                        escape(teller.name(m.place)),
                        escape(TOPIC_TITLES[m.topic][language]),
                        _cell(teller, m),
                    ]
                    for m in moves
                ],
            )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; *heads* are text, the cells of *rows* are HTML."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(
        '<tr><th scope="row">'
        + row[0]
        + "</th>"
        + "".join(f'<td class="{"narrow" if len(cell) < 24 else ""}">{cell}</td>' for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(teller: _Teller, move: Move) -> str:
    cite = escape(str(move.cite))
    shown = f'<a href="{escape(move.link)}">{cite}</a>' if move.link else cite
    marks = f' <span class="mark">{escape(teller.marks(move).strip())}</span>' if teller.marks(move) else ""
    what = "" if move.what == BEGINS else f" ({escape(teller.words[move.what])})"
    title = escape(move.title[teller.language])
    return f"{move.day} <code>{escape(move.name)}</code>{what} {title}{marks} <cite>{shown}</cite>"


def _turn_text(turn: Turn, language: str) -> str:
    topic = TOPIC_TITLES[turn.topic][language]
    ours, theirs = (f"{m.day} {m.place} ({m.cite})" for m in (turn.ours, turn.theirs))
    return f"{turn.days:+6}  {topic}: {ours}, {theirs}"


def _move_data(move: Move, language: str) -> dict[str, str]:
    return {
        "day": str(move.day),
        "place": move.place,
        "topic": str(move.topic),
        "provision": move.name,
        "what": move.what,
        "title": move.title[language],
        "article": str(move.cite),
        "source": move.cite.source,
        "link": move.link,
        "status": str(move.status),
        "confidence": str(move.confidence),
    }


def _day_pairs(pair: Pair) -> int:
    """Return how many different pairs of days the turns of *pair* have: a law moves many topics at once."""
    return len({(turn.ours.day, turn.theirs.day) for turn in pair.turns})


def _number(number: Fraction | None) -> str:
    assert number is not None
    return str(number.numerator) if number.denominator == 1 else f"{float(number):.1f}"
