"""SQL over the history answers what the books say, and can do nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from jiaozi.errors import QueryError
from jiaozi.ledger.history.sealing import seal
from jiaozi.ledger.history.sql import Views, open_views, sql
from jiaozi.ledger.history.sql_words import Standing
from jiaozi.ledger.results import Result
from tests.ledger.history_world import LAWS, HistoryWorld


def standing() -> Standing:
    numbers = np.arange(3)
    return Standing({"account": numbers}, {"account": numbers, "balance_fen": numbers * 100})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HistoryWorld]:
    world = HistoryWorld.found(tmp_path_factory.mktemp("sql") / "jour'nal [1] *")
    world.fill(50)
    seal(world.folder, unit_bytes=8_000)
    yield world
    world.journal.close()


@pytest.fixture(scope="module")
def views(world: HistoryWorld) -> Iterator[Views]:
    with open_views(world.folder, cut=standing) as views:
        yield views


def test_sealed_and_unsealed_transfers_stand_in_one_view(views: Views, world: HistoryWorld) -> None:
    rows = views.sql(
        "SELECT frame, row, debit, credit, amount_fen, result FROM transfers ORDER BY 1, 2"
    ).rows()
    expected = [
        (row.frame, row.row, row.debit, row.credit, row.amount, row.result.name.lower())
        for row in world.happened
        if row.result is not None
    ]
    assert rows == expected


def test_decisions_carry_their_reasons_and_their_law(views: Views, world: HistoryWorld) -> None:
    rows = views.sql("SELECT frame, row, reasons, law FROM decisions ORDER BY 1, 2").rows()
    for (frame, row, reasons, law), happened in zip(
        rows, [each for each in world.happened if each.result is not None], strict=True
    ):
        number = sum(word << (64 * at) for at, word in enumerate(happened.bits))
        assert (frame, row, law) == (happened.frame, happened.row, happened.law.hex())
        assert reasons == [f"#{bit}" for bit in range(128) if number >> bit & 1]
    assert {law for *_, law in rows} == {law.hex() for law in LAWS}


def test_releases_and_facts_have_views_of_their_own(views: Views, world: HistoryWorld) -> None:
    released = [row for row in world.happened if row.result is None]
    assert views.sql("SELECT count(*), sum(amount_fen) FROM released").rows() == [
        (len(released), sum(row.amount for row in released) if released else None)
    ]
    assert views.sql("SELECT kind, count(*) FROM facts GROUP BY 1").rows() == [("tier set", world.facts)]


def test_parameters_are_values_and_never_text_of_the_query(views: Views, world: HistoryWorld) -> None:
    asked = views.sql("SELECT count(*) FROM transfers WHERE result = ?", ["refused_by_law"])
    assert asked.rows()[0][0] == sum(row.result is Result.REFUSED_BY_LAW for row in world.happened)
    assert views.sql("SELECT $a AS said", {"a": "x'; DROP VIEW transfers"}).rows() == [
        ("x'; DROP VIEW transfers",)
    ]
    assert views.sql("SELECT count(*) > 0 AS more FROM transfers").columns["more"].tolist() == [True]


def test_accounts_and_balances_come_from_the_open_ledger(views: Views) -> None:
    assert views.sql("SELECT sum(balance_fen) FROM balances JOIN accounts USING (account)").rows() == [(300,)]


@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY transfers TO '{sealed}'",
        "ATTACH '{folder}/other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA enable_profiling",
        "CREATE TABLE x AS SELECT 1",
        "DROP VIEW transfers",
        "INSERT INTO history_results VALUES (1, 'x')",
        "EXPORT DATABASE '{folder}/export'",
        "CALL pragma_version()",
        "SELECT 1; SELECT 2",
        "SELECT 1; COPY (SELECT 1) TO '{folder}/out.csv'",
        "EXPLAIN ANALYZE SELECT 1",
        "",
        ";",
        "-- nothing",
        "SELECT\0 1",
        "SELECT 1 " + " " * 100_000,
    ],
)
def test_what_is_no_select_is_refused(views: Views, world: HistoryWorld, query: str) -> None:
    sealed = next(world.folder.glob("history/0*/transfers.parquet"))
    with pytest.raises(QueryError):
        views.sql(query.format(folder=world.folder.parent, sealed=sealed))
    assert not list(world.folder.parent.glob("*out*"))
    assert not list(world.folder.parent.glob("*export*"))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_blob('/etc/hostname')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('elsewhere/*.parquet')",
        "SELECT * FROM parquet_metadata('elsewhere/x.parquet')",
        "SELECT * FROM read_csv('https://example.org/x.csv')",
        "SELECT * FROM read_json('/etc/passwd')",
        "SELECT * FROM query('COPY (SELECT 1) TO ''elsewhere/out.csv''')",
        "SELECT getenv('HOME')",
        "SELECT * FROM numbers",
        "SELECT * FROM world",
    ],
)
def test_nothing_outside_can_be_reached_from_a_select(views: Views, query: str) -> None:
    numbers = np.arange(3)  # a variable of Python must not become a table
    assert len(numbers) == 3
    with pytest.raises(QueryError):
        views.sql(query)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_select_cannot_write_over_the_sealed_files_it_may_read(
    views: Views, tmp_path: Path, allowed: bool
) -> None:
    paths = views.sql("SELECT unnest(current_setting('allowed_paths'))").rows()
    target = paths[0][0] if allowed else str(tmp_path / "out.parquet")
    copy = f"COPY (SELECT 1) TO '{target}' (FORMAT parquet, USE_TMP_FILE false)"
    before = Path(target).read_bytes() if allowed else b""
    nested = copy.replace("'", "''")
    for query in (
        f"WITH x AS ({copy}) SELECT * FROM x",
        f"WITH x AS MATERIALIZED ({copy}) SELECT 1",
        f"SELECT * FROM query('WITH x AS ({nested}) SELECT * FROM x')",
        f"SELECT * FROM (WITH x AS ({copy}) SELECT * FROM x)",
        "WITH x AS (INSERT INTO history_results VALUES (1, 'x') RETURNING *) SELECT * FROM x",
        "WITH x AS (DELETE FROM history_laws RETURNING *) SELECT * FROM x",
    ):
        with pytest.raises(QueryError):
            views.sql(query)
    assert (Path(target).read_bytes() if allowed else b"") == before
    assert not (tmp_path / "out.parquet").exists()


def test_a_mistake_shows_its_place(views: Views) -> None:
    with pytest.raises(QueryError, match=r"(?s)LINE 2: FROM transferz.*\^"):
        views.sql("SELECT *\nFROM transferz")
    with pytest.raises(QueryError, match=r"(?s)LINE 1: SELEC 1.*\^"):
        views.sql("SELEC 1")
    with pytest.raises(QueryError, match=r"(?s)LINE 1: SELECT nothing\n {15}\^"):
        views.sql("SELECT nothing")
    with pytest.raises(QueryError):
        views.sql("SELECT ?::INTEGER", ["many"])
    with pytest.raises(QueryError):
        views.sql("SELECT ?", [])


def test_a_question_without_end_is_stopped(views: Views) -> None:
    with pytest.raises(QueryError, match="was stopped"):
        views.sql("SELECT count(*) FROM range(1000000000) a, range(1000000000) b", seconds=0.2)
    assert views.sql("SELECT 1").rows() == [(1,)]


def test_deep_and_wide_questions_are_refused_or_answered(views: Views) -> None:
    for query in ("SELECT " + "(" * 30_000 + "1" + ")" * 30_000, "SELECT " + "-" * 1 + "1" * 5_000):
        try:
            views.sql(query)
        except QueryError as error:
            assert str(error)  # noqa: PT017 - either answer will do, a crash will not


def test_a_journal_without_transfers_has_empty_views(tmp_path: Path) -> None:
    with HistoryWorld.found(tmp_path / "journal").journal:
        for view in ("transfers", "decisions", "released", "facts"):
            assert sql(tmp_path / "journal", f"SELECT * FROM {view}").rows() == []
    (tmp_path / "empty").mkdir()
    assert sql(tmp_path / "empty", "SELECT count(*) FROM decisions").rows() == [(0,)]


def test_frames_after_the_durable_one_are_left_out(world: HistoryWorld) -> None:
    last = max(row.frame for row in world.happened)
    assert sql(world.folder, "SELECT max(frame) FROM transfers", until=last).rows()[0][0] < last
