"""SQL over the whole history: one SELECT, answered by DuckDB, and nothing else.

    transfers   a row a transfer: frame, row, booked_at, id, debit, credit, amount_fen, action, place, result, …
    decisions   a row a transfer: result, names of the reasons, law
    released    pending transfers that timed out
    facts       a row a fact, as JSON
    accounts    the accounts as they are now: coin, zone, kind, tier, person, flags, code
    balances    what stands on them now, in fen

`booked_at` is UTC. The question cannot write, reach files or the network, load extensions or
change settings: it must be a SELECT, and outside access is shut before it runs. It gets 2 GB of
memory and a time after which it is stopped.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import QueryError
from jiaozi.ledger.history import parquet
from jiaozi.ledger.history.sealing import seal_tail
from jiaozi.ledger.history.sql_words import Standing, law_books, names_of_reasons, standing_of
from jiaozi.ledger.history.units import FACTS, TABLES, TRANSFERS, Unit, checked, list_units, numbering_of
from jiaozi.ledger.records import ACTION_NAMES
from jiaozi.ledger.results import Result

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SECONDS = 60.0
"""How long a question may take unless it is told otherwise."""

LARGEST_QUERY = 100_000
_NEEDS_STATE = re.compile(r"accounts|balances|query", re.IGNORECASE)
_NEEDS_REASONS = re.compile(r"decisions|query", re.IGNORECASE)

_WRITES = re.compile(r"COPY|INSERT|UPDATE|DELETE|MERGE|CREATE|DROP|ALTER|ATTACH|EXPORT|PRAGMA|^LOAD|^SET$")
_EXPLAIN = "EXPLAIN (FORMAT json) "

Cut = Callable[[], Standing]
"""Gives the accounts as they stand, all of one moment."""


@dataclass(frozen=True, slots=True)
class Table:
    """An answer: names of the columns, and the columns as NumPy arrays (masked where a value may be missing)."""

    names: tuple[str, ...]
    columns: dict[str, NDArray[Any]]
    _rows: list[tuple[Any, ...]]

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the answer row by row, as Python's own values."""
        return self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the answer to whoever reads Arrow: `pyarrow.table(answer)`, a data frame."""
        import duckdb

        with duckdb.connect(":memory:") as connection:
            connection.register("answer", self.columns)
            relation: Any = connection.sql("SELECT * FROM answer")
            return relation.__arrow_c_stream__(requested_schema)


def sql(
    journal: Path,
    query: str,
    parameters: Sequence[object] | dict[str, object] = (),
    *,
    cut: Cut | None = None,
    until: int | None = None,
    seconds: float = SECONDS,
) -> Table:
    """Answer *query* over the journal in *journal* and what is sealed of it.

    *cut* gives the accounts of an open ledger; otherwise they are folded from the newest snapshot,
    when they are asked for. Raises `QueryError` showing the place in the query, `JournalError`.
    """
    with open_views(journal, cut=cut, until=until) as views:
        return views.sql(query, parameters, seconds=seconds)


MAX_ROWS = 2_000_000
"""Rows of an answer, which is held in memory: whoever wants more asks for it in parts."""


def _too_long(seconds: float) -> str:
    return f"the question took more than {seconds:g} seconds and was stopped; ask for less, or give it more"


class Views:
    """The views over one moment of the history; see `open_views`."""

    def __init__(
        self, connection: DuckDBPyConnection, units: Sequence[Unit], journal: Path, cut: Cut | None
    ) -> None:
        self._connection = connection
        self._units = units
        self._journal = journal
        self._cut = cut
        self._has_state = self._has_reasons = False
        _make_views(connection, units)
        # The files of the units, and after this nothing else: no other file, no network, no extension.
        paths = ", ".join(
            parquet.literal(str(unit.path(table).absolute())) for unit in units for table in TABLES
        )
        connection.execute(f"SET allowed_paths = [{paths}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")

    def sql(
        self,
        query: str,
        parameters: Sequence[object] | dict[str, object] = (),
        *,
        seconds: float = SECONDS,
    ) -> Table:
        """Answer *query*, one SELECT. Raises `QueryError`."""
        import duckdb

        _must_be_one_select(self._connection, query)
        if _NEEDS_STATE.search(query) and not self._has_state:
            self._make_state()
        if _NEEDS_REASONS.search(query) and not self._has_reasons:
            self._make_reasons()
        stopped = threading.Event()

        def stop() -> None:
            stopped.set()
            self._connection.interrupt()

        # The plan is part of the time: making it may compute what the query says.
        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            _must_only_read(self._connection, query, parameters)
            relation: Any = self._connection.execute(query, parameters or None)
            names = tuple(column[0] for column in relation.description)
            rows = relation.fetchmany(MAX_ROWS + 1)
            if len(rows) > MAX_ROWS:
                raise QueryError(
                    f"the answer has more than {MAX_ROWS:,} rows; ask for sums, or for parts with LIMIT"
                )
            return Table(names, _columns(names, rows), rows)
        except QueryError:
            if stopped.is_set():
                raise QueryError(_too_long(seconds)) from None
            raise
        except (duckdb.Error, RuntimeError, OverflowError, MemoryError, ValueError, TypeError) as error:
            if stopped.is_set():
                raise QueryError(_too_long(seconds)) from None
            raise QueryError(_told(error)) from None
        finally:
            timer.cancel()

    def close(self) -> None:
        """Let go of everything."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _make_state(self) -> None:
        from jiaozi.ledger.restart import restart

        standing = self._cut() if self._cut else standing_of(restart(self._journal).state)
        for name, columns in (("accounts", standing.accounts), ("balances", standing.balances)):
            self._connection.register("given", columns)
            self._connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM given")
            self._connection.unregister("given")
        self._has_state = True

    def _make_reasons(self) -> None:
        found = self._connection.execute(
            "SELECT DISTINCT law, reasons FROM history_rows WHERE reasons > 0"
        ).fetchall()
        numbering = numbering_of(self._units)
        texts = self._connection.execute("SELECT fact FROM facts WHERE kind = 'law enacted'").fetchall()
        books = law_books(text for (text,) in texts)
        rows = [
            (law, number, names_of_reasons(books.get(numbering.laws[law]), numbering.bits(number)))
            for law, number in found
        ]
        if rows:
            self._connection.executemany("INSERT INTO history_reasons VALUES (?, ?, ?)", rows)
        self._has_reasons = True


@contextmanager
def open_views(journal: Path, *, cut: Cut | None = None, until: int | None = None) -> Iterator[Views]:
    """Give views of the history of *journal* as it is now, for several questions.

    What is not sealed yet is written to a temporary file first: about a second for a whole segment.
    Frames from *until* on are left out.
    """
    with ExitStack() as stack:
        units = list_units(journal)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jiaozi-sql-")))
        tail = seal_tail(journal, folder, units, until=until)
        # By links whose names have nothing in them that could be a pattern: what may be read is told by name.
        units = [_linked(unit, folder / f"{number}") for number, unit in enumerate(units)]
        units += [tail] if tail is not None else []
        connection = stack.enter_context(parquet.connect())
        yield Views(connection, units, journal, cut)


def _linked(unit: Unit, link: Path) -> Unit:
    link.symlink_to(unit.folder.absolute(), target_is_directory=True)
    return Unit(link, unit.head)


def _make_views(connection: DuckDBPyConnection, units: Sequence[Unit]) -> None:
    rows, facts = _NO_ROWS, _NO_FACTS
    if units:
        rows = f"SELECT * FROM {parquet.source(*(checked(unit, TRANSFERS) for unit in units))}"
        facts = f"SELECT * FROM {parquet.source(*(checked(unit, FACTS) for unit in units))}"
    laws = [law.hex() for law in numbering_of(units).laws]
    connection.execute(f"CREATE VIEW history_rows AS {rows}")
    for name, words in (
        ("history_results", {int(result): result.name.lower() for result in Result}),
        ("history_actions", ACTION_NAMES),
        ("history_laws", dict(enumerate(laws))),
    ):
        connection.execute(f"CREATE TABLE {name} (code INTEGER, word VARCHAR)")
        if words:
            connection.executemany(f"INSERT INTO {name} VALUES (?, ?)", list(words.items()))
    connection.execute("CREATE TABLE history_reasons (law INTEGER, reasons BIGINT, names VARCHAR[])")
    connection.execute(_TRANSFERS)
    connection.execute(_DECISIONS)
    connection.execute(_RELEASED)
    connection.execute(
        f"CREATE VIEW facts AS SELECT frame, row, make_timestamp_ns(instant) AS booked_at, kind, fact FROM ({facts})"
    )


_ID = "printf('%016x%016x', {0}_hi, {0}_lo)"
_NO_ROWS = "SELECT * FROM (SELECT 0::BIGINT AS position, {}, NULL::VARCHAR AS note) WHERE false".format(
    ", ".join(f"0::BIGINT AS {name}" for name in parquet.COLUMNS.split(", "))
)
_NO_FACTS = "SELECT 0::BIGINT AS frame, 0 AS row, 0::BIGINT AS instant, '' AS kind, '' AS fact WHERE false"

_TRANSFERS = f"""
CREATE VIEW transfers AS SELECT
  frame, row, make_timestamp_ns(instant) AS booked_at, {_ID.format("id")} AS id, debit, credit,
  amount AS amount_fen, coalesce(a.word, action::VARCHAR) AS action, place, travel_data, purpose,
  history_rows.code AS code, flags, timeout,
  CASE WHEN value_day > 0 THEN DATE '2000-01-01' + value_day::INTEGER END AS value_day,
  {_ID.format("memo")} AS memo, r.word AS result, note,
  xor(debit, sent_debit) AS sent_debit, xor(credit, sent_credit) AS sent_credit,
  xor(amount, sent_amount) AS sent_amount_fen
FROM history_rows LEFT JOIN history_actions a ON a.code = action LEFT JOIN history_results r ON r.code = result
WHERE kind = 0"""

_DECISIONS = f"""
CREATE VIEW decisions AS SELECT
  frame, row, make_timestamp_ns(instant) AS booked_at, {_ID.format("id")} AS id, r.word AS result,
  coalesce(h.names, []::VARCHAR[]) AS reasons, l.word AS law
FROM history_rows LEFT JOIN history_results r ON r.code = result LEFT JOIN history_laws l ON l.code = history_rows.law
LEFT JOIN history_reasons h ON h.law = history_rows.law AND h.reasons = history_rows.reasons
WHERE kind = 0"""

_RELEASED = f"""
CREATE VIEW released AS SELECT
  frame, row, make_timestamp_ns(instant) AS booked_at, {_ID.format("id")} AS id, debit, credit, amount AS amount_fen
FROM history_rows WHERE kind = 1"""


def _must_be_one_select(connection: DuckDBPyConnection, query: str) -> None:
    import duckdb

    if len(query) > LARGEST_QUERY:
        raise QueryError(f"the question has {len(query):,} characters, {LARGEST_QUERY:,} fit")
    if "\0" in query:
        raise QueryError("the question has a zero byte in it; take it out")
    try:
        statements = connection.extract_statements(query)
    except (duckdb.Error, RuntimeError, UnicodeError, RecursionError) as error:
        raise QueryError(_told(error)) from None
    kinds = [str(statement.type).rpartition(".")[2] for statement in statements]
    if kinds != ["SELECT"]:
        found = ", ".join(kinds) or "nothing"
        raise QueryError(f"only one SELECT is answered here, and this is {found}; nothing was done")


def _must_only_read(
    connection: DuckDBPyConnection, query: str, parameters: Sequence[object] | dict[str, object]
) -> None:
    """Raise `QueryError` unless the plan of *query* only reads.

    `WITH x AS (COPY …) SELECT …` is a SELECT by its kind and writes a file all the same, so it is the
    plan that is asked. Explaining runs nothing.
    """
    import duckdb

    try:
        row: Any = connection.execute(_EXPLAIN + query, parameters or None).fetchone()
    except (duckdb.Error, RuntimeError, OverflowError, MemoryError, ValueError, TypeError) as error:
        raise QueryError(_told(error)) from None
    steps = set(re.findall(r'"name": "([^"]*)"', row[1]))
    writing = sorted(step for step in steps if _WRITES.search(step))
    if writing:
        raise QueryError(
            f"only one SELECT is answered here, and this would {', '.join(writing)}; nothing was done"
        )


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, NDArray[Any]]:
    """Return *rows* by column. A column of whole numbers or truths is one in NumPy, all else are objects."""
    columns: dict[str, NDArray[Any]] = {}
    for at, name in enumerate(names):
        values = [row[at] for row in rows]
        is_small = all(type(value) is int and -(2**63) <= value < 2**63 for value in values)
        column: NDArray[Any] = np.empty(len(values), dtype=np.int64 if is_small else object)
        column[:] = values
        columns[name] = column
    return columns


def _told(error: BaseException) -> str:
    """Return what DuckDB says, with the line of the query and the mark under the place."""
    text = str(error).strip() or type(error).__name__
    if f"LINE 1: {_EXPLAIN}" in text:
        text = text.replace(_EXPLAIN, "", 1)
        text = re.sub(rf"^ {{{len(_EXPLAIN)}}}( *\^)", r"\1", text, flags=re.MULTILINE)
    return text[:2_000]
