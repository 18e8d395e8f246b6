"""A stress as a stand-alone page that prints well: charts first, then what the law says, then every hour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from jiaozi.lab.stress.picture import Line, chart
from jiaozi.lab.stress.reserve import percent_text
from jiaozi.lab.stress.result import StressResult
from jiaozi.lab.stress.words import at, caveats, summary, title
from jiaozi.money import FEN_PER_UNIT, format_fen
from jiaozi.rulebook.model import Status
from jiaozi.rulebook.telling.document import NOT_ADVICE, document
from jiaozi.rulebook.telling.explain import NOT_LAW

_WORDS = {
    "en": {
        "queue": "The queue",
        "owed": "owed",
        "late": "of it past its deadline",
        "trapped": "trapped coins",
        "cover": "Coverage",
        "coverage": "reserve at what a sale brings, per coin and debt; red: 100 %",
        "reserve": "The reserve",
        "cash": "cash",
        "repo": "repo",
        "bills": "bills at sale value",
        "settling": "sold, not settled",
        "locked": "locked",
        "grey": "Grey: the banks are closed. Amounts in {}.",
        "classes": "Who may redeem, and pay",
        "class": "Holders",
        "count": "Number",
        "held": "Coins",
        "redeem": "Redeem",
        "pay": "Pay",
        "from": "from {}",
        "yes": "yes",
        "no": "no",
        "says": "What the law says",
        "when": "From",
        "what": "What",
        "cite": "Article",
        "table": "Hour by hour",
        "method": "What this is not, and what was assumed",
        "repeat": "To repeat it: store at frame {frame}, hash {store}; law {law}; scenario {scenario}, "
        "share {share} %, seed {seed}.",
        "heads": (
            "Hour from",
            "Asked",
            "Refused",
            "Paid",
            "Queue",
            "Requests",
            "Late",
            "Cash",
            "Coverage %",
        ),
    },
    "zh": {
        "queue": "排队",
        "owed": "应付未付",
        "late": "其中逾期",
        "trapped": "被困代币",
        "cover": "覆盖率",
        "coverage": "储备变现价值与代币加应付款之比；红线：100%",
        "reserve": "储备",
        "cash": "现金",
        "repo": "回购",
        "bills": "票据（变现价值）",
        "settling": "已卖未结算",
        "locked": "被冻结",
        "grey": "灰色：银行休业。金额单位：{}。",
        "classes": "谁可赎回，谁可支付",
        "class": "持有人",
        "count": "人数",
        "held": "代币",
        "redeem": "赎回",
        "pay": "支付",
        "from": "{}起",
        "yes": "可",
        "no": "不可",
        "says": "法律怎么说",
        "when": "自",
        "what": "内容",
        "cite": "条文",
        "table": "逐小时",
        "method": "这不是什么，作了哪些假定",
        "repeat": "重复本结果：存档第{frame}帧，哈希 {store}；法律 {law}；情景 {scenario}，"
        "比例 {share}%，种子 {seed}。",
        "heads": ("时刻", "申请", "拒绝", "支付", "排队", "笔数", "逾期", "现金", "覆盖率%"),
    },
}


_NO_WRAP = ' style="white-space: nowrap"'
"""For an instant in the first column, which is easier to read on one line."""


def as_html(found: StressResult, language: str) -> str:
    """Return the page in *language*."""
    return document(title(found, language), "\n".join(_lines(found, language)), language, is_wide=True)


def _lines(found: StressResult, language: str) -> Iterator[str]:
    words = _WORDS[language]
    say = {key: str(word) for key, word in words.items()}
    mark = (
        f' <span class="draft-mark">{escape(NOT_LAW[Status.DRAFT][language])}</span>'
        if found.is_draft
        else ""
    )
    listed = list(caveats(found, language))
    yield f'<p class="not-advice">{escape(NOT_ADVICE[language])}</p>'
    yield f"<p><strong>{escape(listed[0])}</strong>{mark}</p>"
    for sentence in summary(found, language):
        yield f"<p>{escape(sentence)}</p>"
    yield from _charts(found, say)
    yield f"<h2>{escape(say['classes'])}</h2>"
    heads = [say["class"], say["count"], say["held"]]
    for number, hour in enumerate(found.regimes):
        since = "" if number == 0 else f" {say['from'].format(at(found, hour, with_year=False))}"
        heads += [say["redeem"] + since, say["pay"] + since]
    yield _table(
        heads,
        [
            [
                seen.title[language],
                f"{seen.holders:,}",
                format_fen(seen.held_fen),
                *(
                    say["yes" if answer else "no"]
                    for pair in zip(seen.may_redeem, seen.may_pay, strict=True)
                    for answer in pair
                ),
            ]
            for seen in found.classes
        ],
    )
    yield f"<h2>{escape(say['says'])}</h2>"
    yield _table(
        [say["when"], say["what"], say["cite"]],
        [
            [
                at(found, point.hour),
                point.words[language],
                point.cite + (f" [{NOT_LAW[Status.DRAFT][language]}]" if point.is_draft else ""),
            ]
            for point in found.points
        ],
    )
    yield f"<h2>{escape(say['method'])}</h2><ul>"
    yield from (f"<li>{escape(caveat)}</li>" for caveat in listed)
    yield "</ul>"
    repeat = say["repeat"].format(
        frame=found.frame,
        store=found.store[:16],
        law=found.law[:16],
        scenario=found.plan.scenario,
        share=percent_text(found.plan.share),
        seed=found.plan.seed,
    )
    yield f'<p class="soft">{escape(repeat)}</p>'
    yield f"<h2>{escape(say['table'])}</h2>"
    yield _table(words["heads"], list(_by_hour(found)))


def _charts(found: StressResult, say: dict[str, str]) -> Iterator[str]:
    def yuan(key: str) -> list[float]:
        return [fen / FEN_PER_UNIT for fen in found.by_hour[key][: found.shown].tolist()]

    yield f"<h2>{escape(say['queue'])}</h2>"
    lines = [
        Line(say["owed"], yuan("queue_fen"), "#0b6b50"),
        Line(say["late"], yuan("due_missed_fen"), "#b3261e"),
    ]
    yield chart(found, say["queue"], lines, unit="")
    yield f'<p class="soft">{escape(say["grey"].format(found.peg))}</p>'
    if any(yuan("trapped_fen")):
        yield chart(found, say["trapped"], [Line(say["trapped"], yuan("trapped_fen"), "#8a5a00")], unit="")
    yield f"<h2>{escape(say['cover'])}</h2>"
    ratios = [found.coverage(hour) for hour in range(found.shown)]
    known = [100.0 if ratio is None else ratio / 100 for ratio in ratios]
    yield chart(
        found,
        say["cover"],
        [Line(say["coverage"], known, "#1d5fa8")],
        unit=" %",
        least=None,
        mark=100.0,
    )
    yield f"<h2>{escape(say['reserve'])}</h2>"
    lines = [
        Line(say["cash"], yuan("cash_fen"), "#0b6b50"),
        Line(say["repo"], yuan("repo_fen"), "#1d5fa8"),
        Line(say["bills"], yuan("bills_worth_fen"), "#8a5a00"),
        Line(say["settling"], yuan("settling_fen"), "#77736b", "4 3"),
    ]
    if any(yuan("locked_fen")):
        lines.append(Line(say["locked"], yuan("locked_fen"), "#b3261e", "2 2"))
    yield chart(found, say["reserve"], lines, unit="")


def _by_hour(found: StressResult) -> Iterator[list[str]]:
    for hour in range(found.shown):
        by = {key: int(column[hour]) for key, column in found.by_hour.items()}
        coverage = found.coverage(hour)
        sums = ("asked_fen", "refused_fen", "paid_fen", "queue_fen")
        yield [
            at(found, hour),
            *(format_fen(by[key]) for key in sums),
            f"{by['queue_holders']:,}",
            format_fen(by["due_missed_fen"]),
            format_fen(by["cash_fen"]),
            "–" if coverage is None else percent_text(coverage),
        ]


def _table(heads: object, rows: Sequence[Sequence[str]]) -> str:
    """Return a table of text; every cell is escaped."""
    assert isinstance(heads, list | tuple)
    top = "".join(f'<th scope="col">{escape(str(head))}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row"{_NO_WRAP if len(row[0]) < 20 else ""}>{escape(row[0])}</th>'
        + "".join(
            f"<td{' class=' + chr(34) + 'narrow' + chr(34) if len(c) < 30 else ''}>{escape(c)}</td>"
            for c in row[1:]
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
