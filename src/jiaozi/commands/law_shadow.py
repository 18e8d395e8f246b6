"""`jiaozi law shadow`: a reform asked beside the law of an office, and what it would decide otherwise so far."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from jiaozi.clock import Instant, moment_of
from jiaozi.commands.law_pages import reform_of
from jiaozi.commands.words import NotUnderstood
from jiaozi.lab.shadow import Asked, Placed, newest, place, placed_in, take_away
from jiaozi.ledger.restart import restart
from jiaozi.ledger.shadow_rows import NEWLY_ADMITTED, NEWLY_REFUSED, Difference, Part
from jiaozi.money import format_fen
from jiaozi.rulebook.model import ACTION_CODES

DIRECTIONS = (("newly refused", NEWLY_REFUSED), ("newly admitted", NEWLY_ADMITTED))


def shadow(given: argparse.Namespace) -> int:
    """Return 0 when it was put there, taken away or printed. Raises `RulebookError` for a reform nobody can read."""
    folder = office_folder(given.folder)
    if given.stop:
        if given.file:
            raise NotUnderstood("--stop takes the reform away that is there; leave its name out")
        return _stop(folder, given)
    return _start(folder, given) if given.file else _show(folder, given)


def office_folder(text: str) -> Path:
    """Return the folder of the office named *text*. Raises `NotUnderstood`."""
    if not any((Path(text) / "journal").glob("*.jzj")):
        raise NotUnderstood(f"{text} is no office; it has no journal")
    return Path(text)


def _start(folder: Path, given: argparse.Namespace) -> int:
    file, text = reform_of(given.file)
    law = restart(folder / "journal").state.law
    asked = Asked(file.removesuffix(".toml"), given.draft, law.digest.hex())
    reformed = Placed(asked, text).of(law)
    path = place(folder, asked, text)
    if given.json:
        told = {"reform": asked.reform, "law_digest": asked.law, "reform_digest": reformed.digest.hex()}
        print(json.dumps({**told, "file": str(path)}, indent=2))
        return 0
    print(f"{asked.reform} is asked beside the law of {folder} from now on; it decides nothing.")
    print(f"  law     {asked.law}\n  reform  {reformed.digest.hex()}")
    print(
        "  An office that is open picks it up when its page /shadow is opened, any other when it is opened.\n"
        f"  The difference so far: jiaozi law shadow --folder {folder}"
    )
    return 0


def _stop(folder: Path, given: argparse.Namespace) -> int:
    was_there = take_away(folder)
    if given.json:
        print(json.dumps({"stopped": was_there}))
    elif was_there:
        print(
            "The reform was taken away; what was compared stays. An office that is open stops when it looks again."
        )
    else:
        print("There was no reform to take away.")
    return 0


def _show(folder: Path, given: argparse.Namespace) -> int:
    placed, found = placed_in(folder), newest(folder)
    asked = placed.asked.reform if placed else None
    if given.json:
        data = _data(*found) if found else {}
        print(json.dumps({"placed": asked, **data}, ensure_ascii=False, indent=2))
        return 0
    if found is None:
        if asked:
            print(f"{asked} waits: it is asked once the office is opened or its page /shadow is.")
        else:
            print(f"No reform was tried here. Start one: jiaozi law shadow REFORM.toml --folder {folder}")
        return 0
    part, difference = found
    head = part.head
    note = "" if asked == head.reform else "; not asked any more" if not asked else f"; {asked} waits"
    print(
        f"{head.reform} beside the law, since frame {head.first_sequence:,}{note}. A draft: it decided nothing."
    )
    print(f"  from        {_time(head.since)}\n  until       {_time(part.last_instant)}")
    print(f"  law         {head.law_digest}\n  reform      {head.reform_digest}")
    print(f"  both asked  {difference.asked:,}")
    if part.lost:
        print(f"  {part.lost:,} rows were lost when the power went; they are missing below")
    for words, direction in DIRECTIONS:
        count, amount_fen = difference.total(direction)
        print(f"{words:<15} {count:>12,} {format_fen(amount_fen):>24}")
        for name, some, some_fen in difference.by_reason(direction):
            print(f"  {name:<44} {some:>12,} {format_fen(some_fen):>24}")
    return 0


def _data(part: Part, difference: Difference) -> dict[str, object]:
    def way(direction: int) -> dict[str, object]:
        count, amount_fen = difference.total(direction)
        return {
            "count": count,
            "amount_fen": str(amount_fen),
            "by_reason": [
                {"reason": name, "count": some, "amount_fen": str(fen)}
                for name, some, fen in difference.by_reason(direction)
            ],
            "by_action": [
                {"action": _action(code), "count": some, "amount_fen": str(fen)}
                for code, some, fen in difference.by_action(direction)
            ],
        }

    head = part.head
    return {
        "reform": head.reform,
        "is_draft": True,
        "reform_digest": head.reform_digest,
        "law_digest": head.law_digest,
        "first_sequence": head.first_sequence,
        "since": _time(head.since),
        "last_sequence": part.last_sequence,
        "last_instant": _time(part.last_instant),
        "asked": difference.asked,
        "lost": part.lost,
        "newly_refused": way(NEWLY_REFUSED),
        "newly_admitted": way(NEWLY_ADMITTED),
    }


def _action(code: int) -> str:
    return next((action.value for action, known in ACTION_CODES.items() if known == code), str(code))


def _time(instant: int) -> str:
    return moment_of(Instant(instant)).isoformat(timespec="seconds") if instant else "-"
