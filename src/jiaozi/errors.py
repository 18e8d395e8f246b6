"""Every exception Jiaozi raises, so that one look is enough to know what to catch.

    JiaoziError
      AmountError      a text is not an amount of money; the message says how to write one
      CalendarError    a working day was asked for in a year whose notice is not on file
      RulebookError    the law files cannot be used; .mistakes lists every place
      StatementError   a bank file cannot be taken; .mistakes lists every place; nothing was imported
      JournalError     the journal is not what was written; stop and restore
        JournalBusy    another process writes this journal
      BackupError      a backup cannot be made, or is not what was written; the message names the file
      ProofError       a proof or a checkpoint does not hold; the message names the step
      FactError        a fact cannot enter the journal; the message says what is wrong with it
      QueryError       a question in SQL cannot be answered; the message shows the place in it
      OrderError       an issue or redemption order cannot be taken as it stands
      LabError         the lab cannot try this; the message says what to give it instead
      NotReady         asked before start-up was complete, or after a stop; try again

A *refusal* is none of these: it is an ordinary answer (`rulebook.decide.Decision`,
`ledger.results.Result`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing wrong in a file, with its place and what to do about it."""

    file: str
    line: int
    subject: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}  {self.subject}  {self.message}"


class JiaoziError(Exception):
    """The root of every error raised here."""


class AmountError(JiaoziError, ValueError):
    """A text is not an amount of money."""


class CalendarError(JiaoziError):
    """A working day was asked for in a year whose official notice is not on file."""


class _FileError(JiaoziError):
    """A file cannot be used; every mistake in it was collected."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes: tuple[Mistake, ...] = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class RulebookError(_FileError):
    """The law files cannot be used."""


class StatementError(_FileError):
    """A bank file cannot be taken; nothing of it was imported."""


class JournalError(JiaoziError):
    """The journal is not what was written."""


class JournalBusy(JournalError):
    """Another process has this journal open for writing."""


class ProofError(JiaoziError):
    """A proof or a checkpoint does not hold."""


class FactError(JiaoziError):
    """A fact cannot enter the journal."""


class BackupError(JiaoziError):
    """A backup cannot be made, or is not what was written; the message names the file."""


class QueryError(JiaoziError, ValueError):
    """A question in SQL cannot be answered as it stands."""


class OrderError(JiaoziError):
    """An issue or redemption order cannot be taken as it stands."""


class LabError(JiaoziError, ValueError):
    """The lab cannot try what it was given; the message says what to give it instead."""


class NotReady(JiaoziError):
    """Asked before start-up was complete, or after a stop."""
