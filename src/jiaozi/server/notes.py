"""A clerk's note in the reader's language.

The desk keeps notes as English sentences (`issuer.intake`). They are few, so they
are recognised here; a sentence that is not known is shown as it stands.
"""

from __future__ import annotations

import re

from jiaozi.ledger.results import WORDS
from jiaozi.rulebook.explain import label
from jiaozi.rulebook.model import Book
from jiaozi.server.reasons import needs_of

_STATES = {"issued": "已发行", "refused": "已拒绝", "waiting": "待到账", "paid": "已支付"}

_SENTENCES = (
    (r"quotes no reference", "未注明订单编号"),
    (r"quotes several: (?P<a>.+)", "注明了多个编号：{a}"),
    (r"quotes (?P<a>\S+), which is no order for (?P<b>\S+)", "注明的编号 {a} 不是 {b} 的订单"),
    (r"quotes (?P<a>\S+), which is no redemption of (?P<b>\S+)", "注明的编号 {a} 不是 {b} 的赎回申请"),
    (r"quotes (?P<a>\S+), which is (?P<state>\w+) already", "注明的编号 {a} {state}，不能重复使用"),
    (
        r"quotes (?P<a>\S+), which is about (?P<b>[\d,.]+); (?P<c>[\d,.]+) came in",
        "注明的编号 {a} 金额为 {b}，实际到账 {c}",
    ),
    (r"quotes (?P<a>\S+), which is about (?P<b>[\d,.]+)", "注明的编号 {a} 金额为 {b}，与出账金额不符"),
    (r"money went out that quotes no single redemption", "出账款项未注明唯一的赎回编号"),
    (
        r"in (?P<a>\w+); the coin is pegged to (?P<b>\w+); not booked",
        "币种为 {a}，代币挂钩 {b}，未入账",
    ),
)


def note_words(text: str, language: str, book: Book | None) -> str:
    """Return the note *text* in *language*, with reasons called by their titles."""
    reference, colon, rest = text.partition(": ")
    if colon and re.fullmatch(r"JZ-(R-)?\d{4}-\d{6}", reference):
        return f"{reference}{'：' if language == 'zh' else ': '}{note_words(rest, language, book)}"
    for result in WORDS.values():
        if text == result["en"]:
            return result[language]
        if book and text.startswith(f"{result['en']} (") and text.endswith(")"):
            reasons = text[len(result["en"]) + 2 : -1].split(", ")
            titles = [_title(book, reason, language) for reason in reasons]
            return result[language] + ("：" if language == "zh" else ": ") + "; ".join(titles)
    if language == "zh":
        for pattern, words in _SENTENCES:
            if match := re.fullmatch(pattern, text):
                found = match.groupdict()
                found["state"] = _STATES.get(found.get("state") or "", found.get("state") or "")
                return words.format(**found)
    return text


def _title(book: Book, reason: str, language: str) -> str:
    """Return what *reason* is called, with its article."""
    found, not_met = label(book, reason), {"en": "not met: ", "zh": "未满足："}[language]
    return f"{not_met if reason in needs_of(book) else ''}{found.title[language]} ({found.cite})"
