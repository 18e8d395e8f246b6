"""The summary put together: counts under the names of the law's places, words and coins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jiaozi.lab.replay.changes import ReasonSets
from jiaozi.lab.replay.examples import Examples
from jiaozi.lab.replay.recorded import Recorded
from jiaozi.lab.replay.records import Month
from jiaozi.lab.replay.summary import (
    MOST_KINDS,
    Counter,
    HolderKind,
    Part,
    Summary,
    Trapped,
    month_name,
    size_name,
    table_of,
)
from jiaozi.ledger.records import AccountFlag
from jiaozi.rulebook.model import ACTION_CODES, Book


def summary_of(
    recorded: Recorded,
    books: Sequence[Book],
    counter: Counter,
    reasons: ReasonSets,
    shown: Examples,
    trapped: Sequence[Trapped],
    months: Sequence[Month],
    left_out: int,
    frames: tuple[int, int],
) -> Summary:
    """Return what *counter* has, with names. *frames* are the first asked about, and the one after the last."""
    head, tables = recorded.head, counter.tables
    transfers, amount = recorded.payments(*frames)
    words = books[-1].vocabulary if books else None
    places = words.place_names if words else ("",)
    tiers = dict(enumerate(("", *words.tiers))) if words else {}
    actions = {code: action.value for action, code in ACTION_CODES.items()}
    issuers = {number: coin[1] for number, coin in enumerate(head.coins)}
    holders = int((recorded.held["flags"] & AccountFlag.INTERNAL == 0).sum())
    by_month = table_of(tables["month"], {key: month_name(_int(key)) for key in tables["month"]})
    return Summary(
        transfers=transfers,
        amount=amount,
        changed=counter.total.part(),
        holders_refused=int(np.count_nonzero(counter.persons[0])),
        holders_admitted=int(np.count_nonzero(counter.persons[1])),
        holders=holders,
        by_reason=_by_reason(counter, reasons),
        by_month=dict(sorted(by_month.items())),
        by_tier=table_of(tables["tier"], {key: tiers.get(_int(key), "") or "none" for key in tables["tier"]}),
        by_zone=table_of(tables["zone"], {key: places[_int(key)] or "none" for key in tables["zone"]}),
        by_issuer=table_of(tables["coin"], {key: issuers.get(_int(key), "none") for key in tables["coin"]}),
        by_size={
            size_name(_int(key)): tables["size"][key].part() for key in sorted(tables["size"], key=_int)
        },
        by_action=table_of(tables["action"], {key: actions[_int(key)] for key in tables["action"]}),
        kinds=_kinds(recorded, books, counter, shown),
        history=head.tallies,
        months_before=head.months,
        months_after=list(months),
        trapped=list(trapped),
        left_out=left_out,
    )


def _by_reason(counter: Counter, reasons: ReasonSets) -> dict[str, Part]:
    """Count each reason of a set by itself: a transfer with two reasons is in two lines."""
    sums: dict[str, list[int]] = {}
    for number, found in counter.tables["reasons"].items():
        for name in reasons.names[_int(number)]:
            line = sums.setdefault(name, [0, 0, 0, 0])
            for place in range(4):
                line[place] += found.numbers[place]
    ranked = sorted(sums.items(), key=lambda item: (-item[1][0] - item[1][2], item[0]))
    return {name: Part(*line) for name, line in ranked}


def _kinds(recorded: Recorded, books: Sequence[Book], counter: Counter, shown: Examples) -> list[HolderKind]:
    if not books:
        return []
    words, held = books[-1].vocabulary, recorded.held
    affected = np.flatnonzero(counter.persons.any(axis=0))
    rows = held[affected]
    ranked = sorted(
        counter.kinds.items(), key=lambda item: (-item[1].numbers[0] - item[1].numbers[2], item[0])
    )
    return [
        HolderKind(
            zone=words.place_names[zone],
            kind=words.word("payer.kind", kind),
            tier=words.word("payer.tier", tier) if tier else "",
            holders=int(((rows["zone"] == zone) & (rows["kind"] == kind) & (rows["tier"] == tier)).sum()),
            part=sums.part(),
            example=shown.found.get((zone, kind, tier)),
        )
        for (zone, kind, tier), sums in ranked[:MOST_KINDS]
    ]


def _int(key: object) -> int:
    assert isinstance(key, int)
    return key
