"""Why an entry or an order waits: a code with its values, put into words when someone reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import String, TypeDecorator
from sqlalchemy.engine import Dialect

from jiaozi.ledger.results import WORDS, Result

SENTENCES: Mapping[str, Mapping[str, str]] = {
    "other_currency": {
        "en": "in {0}; the coin is pegged to {1}; not booked",
        "zh": "币种为 {0}，代币挂钩 {1}，未入账",
    },
    "no_amount": {
        "en": "not booked: {0} is no whole number of fen in bounds",
        "zh": "未入账：{0} 不是可记账的金额",
    },
    "quotes_nothing": {"en": "quotes no reference", "zh": "未注明订单编号"},
    "quotes_several": {"en": "quotes several: {0}", "zh": "注明了多个编号：{0}"},
    "no_such_order": {"en": "quotes {0}, which is no order for {1}", "zh": "注明的编号 {0} 不是 {1} 的订单"},
    "no_such_redemption": {
        "en": "quotes {0}, which is no redemption of {1}",
        "zh": "注明的编号 {0} 不是 {1} 的赎回申请",
    },
    "already": {"en": "quotes {0}, which is {1} already", "zh": "注明的编号 {0} {1}，不能重复使用"},
    "other_amount": {
        "en": "quotes {0}, which is about {1}; {2} came in",
        "zh": "注明的编号 {0} 金额为 {1}，实际到账 {2}",
    },
    "other_payout": {
        "en": "quotes {0}, which is about {1}",
        "zh": "注明的编号 {0} 金额为 {1}，与出账金额不符",
    },
    "pays_nothing": {
        "en": "money went out that quotes no single redemption",
        "zh": "出账款项未注明唯一的赎回编号",
    },
    "interrupted": {"en": "was booked as unmatched before an interruption", "zh": "中断前已记为待匹配"},
    "refused": {"en": "{0}", "zh": "{0}"},
    "not_booked": {"en": "not booked", "zh": "未入账"},
}
"""The sentences, in both languages. Codes are kept in the tables: append, never rename."""

STATES: Mapping[str, str] = {
    "issued": "已发行",
    "refused": "已拒绝",
    "requested": "处理中",
    "burned": "已销毁",
    "ordered": "已付款指令",
    "paid": "已支付",
}
"""What a status is called in Chinese; in English it is the word itself."""

LEDGER = "ledger"
"""The code of a note that holds the ledger's answer: values are the result and the reasons."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to say, and what it follows from. An empty code says nothing."""

    code: str = ""
    values: tuple[str, ...] = ()
    because: Note | None = None

    def __bool__(self) -> bool:
        return bool(self.code)

    def __str__(self) -> str:
        return self.words("en")

    def words(self, language: str, title_of: Callable[[str], str] | None = None) -> str:
        """Return the note in *language* (`en`, `zh`); *title_of* names a reason of the law, else its id stands."""
        if not self.code:
            return ""
        text = self._ledger(language, title_of) if self.code == LEDGER else self._sentence(language)
        if not self.because:
            return text
        colon = "：" if language == "zh" else ": "
        return text + colon + self.because.words(language, title_of)

    def then(self, last: Note) -> Note:
        """Return the note with *last* at the end of what it follows from."""
        return replace(self, because=self.because.then(last) if self.because else last)

    def _sentence(self, language: str) -> str:
        values = [STATES.get(value, value) if language == "zh" else value for value in self.values]
        return SENTENCES[self.code][language].format(*values)

    def _ledger(self, language: str, title_of: Callable[[str], str] | None) -> str:
        result, *reasons = self.values
        word = WORDS[Result[result]][language]
        if not reasons:
            return word
        if title_of is None:
            return f"{word} ({', '.join(reasons)})"
        colon = "：" if language == "zh" else ": "
        return word + colon + "; ".join(title_of(reason) for reason in reasons)


NOTHING = Note()
"""Nothing to say."""


class NoteColumn(TypeDecorator[Note]):
    """A note as JSON text in a table."""

    impl = String(1000)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002
        """Write a note, or the dict that `asdict` makes of it."""
        return json.dumps(asdict(value) if isinstance(value, Note) else value, ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Note:  # noqa: ARG002
        return _note(json.loads(value)) if value else NOTHING


def _note(data: Mapping[str, Any]) -> Note:
    because = _note(data["because"]) if data["because"] else None
    return Note(data["code"], tuple(data["values"]), because)
