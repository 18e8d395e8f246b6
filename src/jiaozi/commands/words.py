"""Words of a command line, and what is said when they mean nothing."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jiaozi.clock import SHANGHAI, Instant, day_start, instant_of, system_clock


class NotUnderstood(ValueError):
    """A word on the command line means nothing; the message says what would."""


def journal_folder(text: str) -> Path:
    """Return the folder of the journal of the office, or the journal, named *text*. Raises `NotUnderstood`."""
    folder = Path(text)
    folder = folder / "journal" if (folder / "journal").is_dir() else folder
    if not any(folder.glob("*.jzj")):
        raise NotUnderstood(f"no journal in {folder}")
    return folder


def day_of_text(option: str, text: str) -> date:
    """Return the day written as `2026-12-15`. Raises `NotUnderstood`."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotUnderstood(f"{option} {text:.40} is no day; write YYYY-MM-DD") from None


def instant_of_text(option: str, text: str | None, clock: str = SHANGHAI) -> Instant:
    """Return the instant meant by a day, or a day with time, on *clock*; now when there is none."""
    if text is None:
        return system_clock()
    try:
        if len(text) == len("2026-12-15"):
            return day_start(date.fromisoformat(text), clock)
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{option} {text:.40} is no day; write YYYY-MM-DD or YYYY-MM-DDTHH:MM"
        raise NotUnderstood(message) from None
    return instant_of(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(clock)))
