"""PostgreSQL as a peer of the ledger: a cluster of its own, on the same disk, in the same run.

Accounts with a check that no balance is negative, transfers with a unique id and
foreign keys; no law is asked. The clients are PostgreSQL's own, written in C:
pgbench with 16 connections for one function call a transfer, psql for COPY.
What makes it durable stays on: fsync, synchronous_commit, full_page_writes.
Install Debian's `postgresql`; without it these rows are left out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLIENTS = 16
BATCH = 8_192
ACCOUNT = "postgres"
"""PostgreSQL does not run as root; when we do, it runs as this user, whom Debian's package makes."""

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "listen_addresses": "",
    "max_connections": str(CLIENTS + 8),
}

SCHEMA = """
CREATE TABLE accounts (id bigint PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0));
CREATE TABLE transfers (
    id     uuid PRIMARY KEY,
    debit  bigint NOT NULL REFERENCES accounts,
    credit bigint NOT NULL REFERENCES accounts CHECK (credit <> debit),
    amount bigint NOT NULL CHECK (amount > 0),
    code   smallint NOT NULL,
    booked timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE FUNCTION pay(bigint, bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- Locks are taken in the order of ids, so that no two payments wait for each other.
    PERFORM FROM accounts WHERE id IN ($1, $2) ORDER BY id FOR NO KEY UPDATE;
    UPDATE accounts SET balance = balance - $3 WHERE id = $1 AND balance >= $3;
    IF NOT FOUND THEN RETURN false; END IF;
    UPDATE accounts SET balance = balance + $3 WHERE id = $2;
    INSERT INTO transfers (id, debit, credit, amount, code) VALUES (gen_random_uuid(), $1, $2, $3, 2);
    RETURN true;
END $$;
"""

ARRIVED = """
CREATE TEMPORARY TABLE arrived (id uuid, debit bigint, credit bigint, amount bigint, code smallint)
ON COMMIT DELETE ROWS;
"""

APPLY = """
INSERT INTO transfers (id, debit, credit, amount, code) SELECT id, debit, credit, amount, code FROM arrived;
UPDATE accounts SET balance = balance + moved.amount
  FROM (SELECT account, sum(amount) AS amount
          FROM (SELECT debit AS account, -amount AS amount FROM arrived
                UNION ALL SELECT credit, amount FROM arrived) legs
         GROUP BY account ORDER BY account) moved
 WHERE accounts.id = moved.account;
"""

ONE_BY_ONE = """
\\set payer random(1, HOLDERS)
\\set payee 1 + (:payer + random(0, HOLDERS - 2)) % HOLDERS
\\set amount random(1, 5000)
SELECT pay(:payer, :payee, :amount);
"""


@dataclass(frozen=True, slots=True)
class Rates:
    """Transfers a second: one function call each, and in batches that are applied as sets."""

    one_by_one: float
    in_sets: float


def why_not() -> str:
    """Return why PostgreSQL cannot run here; empty when it can."""
    if _programs() is None:
        return "PostgreSQL is not installed; `apt-get install postgresql` brings it"
    if os.getuid() == 0 and shutil.which("runuser") is None:
        return "PostgreSQL does not run as root, and there is no runuser to change user"
    return ""


def measure(parent: Path, *, holders: int, seconds: int, batches: int) -> Rates:
    """Start a cluster in *parent*, measure it for *seconds* and for *batches*, and remove it."""
    with _cluster(parent) as server:
        server.psql(SCHEMA)
        server.psql(
            f"INSERT INTO accounts SELECT n, 1000000000000 FROM generate_series(1, {holders}) n;"
            "VACUUM ANALYZE accounts; CHECKPOINT;"
        )
        server.one_by_one(holders, max(1, seconds // 3))
        one_by_one = server.one_by_one(holders, seconds)
        server.in_sets(holders, max(1, batches // 4))
        return Rates(one_by_one, server.in_sets(holders, batches))


class _Server:
    """A cluster that runs: its programs, its folder, and how it is spoken to."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._random = np.random.default_rng(2026)

    def run(self, program: str, *arguments: str, text: str | None = None) -> str:
        """Run one of PostgreSQL's programs as its user; return what it printed."""
        command = [str(self._programs / program), *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", ACCOUNT, "--", *command]
        environment = {**os.environ, "PGHOST": str(self._folder), "PGUSER": ACCOUNT, "PGDATABASE": ACCOUNT}
        # A server that stays keeps what it inherits open: its words go to its log, and none to a pipe.
        done = subprocess.run(
            command,
            input=text,
            env=environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr.strip()[-500:]}")
        return done.stdout

    def psql(self, text: str) -> str:
        return self.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", text=text)

    def one_by_one(self, holders: int, seconds: int) -> float:
        """Return transfers a second from CLIENTS connections that each wait for their answer."""
        script = self._folder / "one_by_one.sql"
        script.write_text(ONE_BY_ONE.replace("HOLDERS", str(holders)))
        options = ("-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-T", str(seconds))
        printed = self.run("pgbench", *options, "-f", str(script))
        found = re.search(r"tps = ([\d.]+)", printed)
        assert found is not None
        return float(found[1])

    def in_sets(self, holders: int, batches: int) -> float:
        """Return transfers a second when each transaction is one COPY of BATCH rows, applied as a set."""
        script = [ARRIVED]
        for number in range(batches):
            path = self._folder / f"batch-{number}"
            path.write_bytes(self._rows(holders))
            script.append(f"BEGIN;\n\\copy arrived FROM '{path}' (FORMAT binary)\n{APPLY}COMMIT;")
        start = time.perf_counter()
        self.psql("\n".join(script))
        return batches * BATCH / (time.perf_counter() - start)

    def _rows(self, holders: int) -> bytes:
        """Return BATCH random transfers in the binary form of COPY."""
        layout = [("fields", ">i2")]
        for name, form in (
            ("id", "V16"),
            ("debit", ">i8"),
            ("credit", ">i8"),
            ("amount", ">i8"),
            ("code", ">i2"),
        ):
            layout += [(f"{name}_bytes", ">i4"), (name, form)]
        rows = np.zeros(BATCH, dtype=layout)
        rows["fields"] = 5
        for name in ("id", "debit", "credit", "amount", "code"):
            rows[f"{name}_bytes"] = rows.dtype[name].itemsize
        rows["id"] = np.frombuffer(self._random.bytes(16 * BATCH), dtype="V16")
        rows["debit"] = self._random.integers(1, holders + 1, BATCH)
        rows["credit"] = 1 + (rows["debit"] + self._random.integers(0, holders - 1, BATCH)) % holders
        rows["amount"], rows["code"] = self._random.integers(1, 5001, BATCH), 2
        return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"


def _programs() -> Path | None:
    """Return the folder of the newest PostgreSQL that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def _cluster(parent: Path) -> Iterator[_Server]:
    programs = _programs()
    assert programs is not None
    with tempfile.TemporaryDirectory(dir=parent) as name:
        folder = Path(name)
        if os.getuid() == 0:
            shutil.chown(folder, ACCOUNT)
        server, data = _Server(programs, folder), str(folder / "data")
        server.run("initdb", "-D", data, "-U", ACCOUNT, "-A", "trust", "-E", "UTF8", "-k")
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{setting} = '{value}'\n" for setting, value in SETTINGS.items())
            file.write(f"unix_socket_directories = '{folder}'\n")
        server.run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "start")
        try:
            yield server
        finally:
            server.run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
