"""`jiaozi lab stress`: a store under stress, simulated in memory; nothing is written to the store."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from jiaozi.commands.words import NotUnderstood, day_of_text
from jiaozi.errors import LabError
from jiaozi.lab.stress import Plan, StressResult, stress
from jiaozi.lab.stress.page import as_html
from jiaozi.lab.stress.plan import RUN_SHAPE, read_shape
from jiaozi.lab.stress.report import as_csv, as_data, as_text
from jiaozi.lab.stress.reserve import default_reserve, percent, read_reserve
from jiaozi.ledger.restart import restart
from jiaozi.rulebook.reading.calendars import read_calendar
from jiaozi.rulebook.reading.read import law_folder


def run(given: argparse.Namespace) -> int:
    """Return 0 when it is told, 2 when something was not understood or there is no journal."""
    folder = Path(given.folder)
    folder = folder / "journal" if (folder / "journal").is_dir() else folder
    try:
        if not any(folder.glob("*.jzj")):
            raise NotUnderstood(f"no journal in {folder}; name an office or a journal folder")
        _is_apart(folder, given)
        plan = _plan(given)
        restarted = restart(folder)
        calendars = {
            path.stem: read_calendar(path) for path in sorted((law_folder() / "calendars").glob("*.toml"))
        }
        found = stress(restarted.state, restarted.reader.head, calendars, plan)
    except (LabError, NotUnderstood) as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return 2
    if given.csv:
        _write_table(found, Path(given.csv))
    if given.html:
        Path(given.html).write_text(as_html(found, given.language), encoding="utf-8")
    if given.json:
        print(json.dumps(as_data(found, given.language), ensure_ascii=False, indent=2))
    else:
        print(as_text(found, given.language), end="")
    return 0


def _is_apart(journal: Path, given: argparse.Namespace) -> None:
    """Raise `NotUnderstood` for a file to be written among those of the journal: nothing is written there."""
    for option, name in (("--csv", given.csv), ("--html", given.html)):
        if name and Path(name).resolve().is_relative_to(journal.resolve()):
            raise NotUnderstood(
                f"{option} {name} lies in the journal; nothing is written there, name another"
            )


def _plan(given: argparse.Namespace) -> Plan:
    return Plan(
        scenario=given.scenario,
        share=_share(given.share),
        seed=_whole("--seed", given.seed),
        reserve=read_reserve(Path(given.reserve)) if given.reserve else default_reserve(),
        shape=read_shape(Path(given.shape)) if given.shape else RUN_SHAPE,
        coin=given.coin or "",
        day=day_of_text("--from", given.from_) if given.from_ else None,
        days=_whole("--days", given.days),
    )


def _share(text: str) -> int:
    """Return the share written as `0.2` or `20%` in hundredths of a percent."""
    hundredths = None
    if text.endswith("%"):
        hundredths = percent(text[:-1])
    elif text.isascii() and len(text) <= 6:
        whole, _, decimals = text.partition(".")
        if whole in ("0", "1") and (decimals.isdecimal() or not decimals):
            hundredths = int(whole) * 10_000 + int(decimals.ljust(4, "0"))
    if hundredths is None or not 0 < hundredths <= 10_000:
        raise NotUnderstood(f"--share {text:.20} is no share; write 0.2 or 20%, above 0 and at most 1")
    return hundredths


def _whole(option: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise NotUnderstood(f"{option} {text:.20} is no whole number")
    return int(text)


def _write_table(found: StressResult, path: Path) -> None:
    if path.suffix != ".parquet":
        path.write_text(as_csv(found), encoding="utf-8", newline="")
        return
    import duckdb

    with TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        table.write_text(as_csv(found), encoding="utf-8", newline="")
        duckdb.connect().read_csv(str(table)).write_parquet(str(path))
