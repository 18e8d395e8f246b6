"""A stress as text for a terminal, as data for JSON, and as CSV: a row an hour."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import Any

from jiaozi.clock import moment_of
from jiaozi.lab.stress.reserve import percent_text
from jiaozi.lab.stress.result import COLUMNS, StressResult
from jiaozi.lab.stress.words import at, caveats, summary, title
from jiaozi.money import decimal_text, format_fen
from jiaozi.rulebook.model import Status
from jiaozi.rulebook.telling.explain import NOT_LAW

EVERY_HOURS = 6
"""The text shows every sixth hour; CSV, JSON and the page have all."""

_HEADS = {
    "en": ("hour", "asked", "paid", "queue", "late", "cash", "coverage %"),
    "zh": ("时刻", "申请", "支付", "排队", "逾期", "现金", "覆盖率%"),
}


def as_text(found: StressResult, language: str) -> str:
    """Return summary, table, what the law says, and caveats."""
    lines = [title(found, language), "", *summary(found, language), ""]
    lines.append("".join(f"{head:>20}" for head in _HEADS[language]))
    by = found.by_hour
    for hour in range(0, found.shown, EVERY_HOURS):
        until = min(hour + EVERY_HOURS, found.shown)
        sums = [int(by[key][hour:until].sum()) for key in ("asked_fen", "paid_fen")]
        stands = [int(by[key][until - 1]) for key in ("queue_fen", "due_missed_fen", "cash_fen")]
        coverage = found.coverage(until - 1)
        cells = [
            at(found, hour),
            *map(format_fen, (*sums, *stands)),
            "-" if coverage is None else percent_text(coverage),
        ]
        lines.append("".join(f"{cell:>20}" for cell in cells))
    lines.append("")
    for point in found.points:
        mark = f" [{NOT_LAW[Status.DRAFT][language]}]" if point.is_draft else ""
        lines.append(f"{at(found, point.hour)}  {point.words[language]}  {point.cite}{mark}")
    lines += ["", *(f"- {caveat}" for caveat in caveats(found, language))]
    return "\n".join(lines) + "\n"


def as_data(found: StressResult, language: str) -> dict[str, Any]:
    """Return the result as plain data; sums of money are decimal text, columns by hour whole fen."""
    plan = found.plan
    return {
        "is": "simulation, not a forecast",
        "scenario": plan.scenario,
        "coin": found.coin,
        "currency": found.peg,
        "zone": found.zone,
        "share_percent": percent_text(plan.share),
        "seed": plan.seed,
        "reserve": asdict(plan.reserve),
        "shape": list(plan.shape),
        "store": {"frame": found.frame, "hash": found.store},
        "law": found.law,
        "is_draft": found.is_draft,
        "start": moment_of(found.hours.start, found.hours.clock).isoformat(),
        "hours": found.shown,
        "holders": found.holders,
        "coins": decimal_text(found.coins_fen),
        "reserve_before": decimal_text(found.reserve_fen),
        "owed_before": decimal_text(found.owed_before_fen),
        "deadlines": asdict(found.deadlines),
        "classes": [
            {
                "class": seen.title[language],
                "holders": seen.holders,
                "held": decimal_text(seen.held_fen),
                "may_redeem": list(seen.may_redeem),
                "may_pay": list(seen.may_pay),
            }
            for seen in found.classes
        ],
        "regimes_from_hour": list(found.regimes),
        "law_says": [
            {
                "hour": point.hour,
                "words": point.words[language],
                "article": point.cite,
                "is_draft": point.is_draft,
            }
            for point in found.points
        ],
        "summary": list(summary(found, language)),
        "caveats": list(caveats(found, language)),
        "by_hour": {key: found.by_hour[key][: found.shown].tolist() for key in COLUMNS},
    }


def as_csv(found: StressResult) -> str:
    """Return the table by hour as CSV (RFC 4180): instant, whether banks are open, `COLUMNS`, coverage."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["hour", "from", "banks_open", *COLUMNS, "coverage_percent"])
    for hour in range(found.shown):
        moment = moment_of(found.hours.instant(hour), found.hours.clock).isoformat()
        coverage = found.coverage(hour)
        writer.writerow(
            [
                hour,
                moment,
                int(found.hours.is_open[hour]),
                *(int(found.by_hour[key][hour]) for key in COLUMNS),
                "" if coverage is None else percent_text(coverage),
            ]
        )
    return out.getvalue()
