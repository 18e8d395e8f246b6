"""Snapshots that cannot be used: damaged, forged, of another journal, half written. None is believed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from jiaozi.errors import JournalError
from jiaozi.ledger.digests import LongDigest, digest_of
from jiaozi.ledger.journal.journal import Journal
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.posting.idindex import content_of_rows
from jiaozi.ledger.posting.supplied import C_ISSUED
from jiaozi.ledger.records import ACCOUNT, PENDING
from jiaozi.ledger.restart import restart, write_from_journal
from jiaozi.ledger.snapshots.files import MAGIC, Unfit
from jiaozi.ledger.snapshots.parts import PARTS
from jiaozi.ledger.snapshots.snapshot import load
from tests.ledger.ledger_world import clock, found, payments
from tests.ledger.snapshot_world import folder, opened, world
from tests.ledger.test_snapshot import files, name

__all__ = ["folder", "world"]

END = struct.Struct("<Q32s8s")
Parts = dict[str, bytes]
Change = Callable[[dict[str, Any], Parts], object]
"""What a forger does to a head, and to the parts."""


def newest(folder: Path) -> Path:
    return folder / "snapshots" / files(folder)[-1]


def taken_apart(path: Path) -> tuple[dict[str, Any], Parts]:
    raw = path.read_bytes()
    length, _, _ = END.unpack(raw[-END.size :])
    head = json.loads(raw[-END.size - length : -END.size])
    parts, at = {}, len(MAGIC)
    for part in head["parts"]:
        parts[part["name"]] = raw[at : at + part["bytes"]]
        at += part["bytes"]
    return head, parts


def put_together(path: Path, head: dict[str, Any] | bytes, parts: Parts) -> None:
    raw = head if isinstance(head, bytes) else json.dumps(head).encode()
    end = END.pack(len(raw), hashlib.sha256(raw).digest(), MAGIC)
    path.write_bytes(MAGIC + b"".join(parts.values()) + raw + end)


def forge(path: Path, change: Change) -> None:
    """Write the snapshot anew after *change*, with every digest in it true again."""
    head, parts = taken_apart(path)
    change(head, parts)
    head["parts"] = [
        {"name": part, "bytes": len(raw), "digest": LongDigest(raw).digest().hex()}
        for part, raw in parts.items()
    ]
    wholes = {"coins": 8, "ids": 24, "pendings": PENDING.itemsize}
    if set(PARTS) <= set(parts) and not any(len(parts[part]) % size for part, size in wholes.items()):
        numbers = json.loads(parts["numbers"])
        head["state"] = digest_of(
            LongDigest(parts["accounts"]).digest(),
            LongDigest(parts["counts"]).digest(),
            np.frombuffer(parts["coins"], dtype=np.int64),
            content_of_rows(
                np.frombuffer(parts["ids"], dtype=np.uint64).reshape(-1, 3).copy(), numbers["horizon_ms"]
            ),
            np.frombuffer(parts["pendings"], dtype=PENDING),
            parts["register"],
            account_count=head["accounts"],
            ids_taken=numbers["ids_taken"],
            horizon_ms=numbers["horizon_ms"],
            law=head["law"],
        )
    put_together(path, head, parts)


def why(folder: Path) -> str:
    """Return why the newest snapshot was passed over; the ledger is whole all the same, from the one before."""
    whole = restart(folder, anew=True).state.digest()
    bad, before = newest(folder), files(folder)[-2]
    found_digest, began, passed_over = opened(folder)
    assert found_digest == whole
    assert began == [before]
    assert [each.path for each in passed_over] == [bad]
    return passed_over[0].why


def test_the_newest_good_snapshot_is_taken(folder: Path) -> None:
    whole = restart(folder, anew=True).state.digest()
    assert opened(folder) == (whole, [files(folder)[-1]], ())


def test_forging_without_a_change_gives_a_good_snapshot(folder: Path) -> None:
    """So that what the other forgeries are refused for is their change."""
    forge(newest(folder), head_with())
    assert opened(folder)[1:] == ([files(folder)[-1]], ())


# Damage


def test_a_bit_flipped_anywhere_is_found(folder: Path) -> None:
    path = newest(folder)
    raw = path.read_bytes()
    _, parts = taken_apart(path)
    law_start = len(MAGIC) + sum(len(parts[part]) for part in PARTS[: PARTS.index("law")])
    law = range(law_start, law_start + len(parts["law"]))
    random = Random(1)
    places = [*range(law.start), *random.sample(law, 200), *range(law.stop, len(raw))]
    assert len(places) > 2_500
    broken = bytearray(raw)
    for at in places:
        broken[at] ^= 1 << random.randrange(8)
        path.write_bytes(broken)
        with pytest.raises(Unfit):
            load(path, folder)
        broken[at] = raw[at]
    path.write_bytes(broken)
    load(path, folder)


def test_a_file_cut_anywhere_is_found(folder: Path) -> None:
    path = newest(folder)
    raw = path.read_bytes()
    lengths = [*range(120), *range(len(raw) - 120, len(raw)), *Random(2).sample(range(len(raw)), 100)]
    for length in lengths:
        path.write_bytes(raw[:length])
        with pytest.raises(Unfit):
            load(path, folder)
    path.write_bytes(raw + b"\0")
    assert "does not end like a snapshot" in why(folder)
    path.write_bytes(b"")
    assert "has 0 bytes" in why(folder)


def test_a_snapshot_that_cannot_be_read_from_the_disk_is_passed_over(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, real = newest(folder).stat().st_ino, os.preadv

    def preadv(file: int, buffers: list[memoryview], offset: int) -> int:
        if os.fstat(file).st_ino == bad and offset > 1_000:
            raise OSError(errno.EIO, "a bad sector")
        return real(file, buffers, offset)

    monkeypatch.setattr(os, "preadv", preadv)
    assert "a bad sector" in why(folder)


def test_when_no_snapshot_can_be_used_the_whole_journal_is_folded(folder: Path) -> None:
    whole = restart(folder, anew=True).state.digest()
    for file in files(folder):
        (folder / "snapshots" / file).write_bytes(b"#" * 500)
    found_digest, began, passed_over = opened(folder)
    assert (found_digest, began) == (whole, [])
    assert [each.path.name for each in passed_over] == sorted(files(folder), reverse=True)


def test_foreign_files_are_let_alone_and_those_that_look_like_snapshots_are_told(folder: Path) -> None:
    there = folder / "snapshots"
    (there / "notes.txt").write_text("mine")
    (there / "7.jzs").write_text("mine")
    (there / name(7)).mkdir()
    _, began, passed_over = opened(folder)
    assert began == [f"{5:020}.jzs"]
    assert sorted(each.path.name for each in passed_over) == [name(7), "7.jzs"]
    assert all("named like a snapshot" in each.why for each in passed_over)
    write_from_journal(folder)
    assert {"notes.txt", "7.jzs", name(7)} <= {path.name for path in there.iterdir()}


# Another journal


def test_the_snapshot_of_another_ledger_is_passed_over(folder: Path, tmp_path: Path) -> None:
    with found(tmp_path / "other", holders=5) as ledger:
        ledger.post(payments(1, [(0, 1)]))
        other = ledger.snapshot().path
    assert other.name == newest(folder).name
    shutil.copy(other, newest(folder))
    assert "is another than the one it was taken at" in why(folder)


def test_a_snapshot_under_the_name_of_another_frame_is_passed_over(folder: Path) -> None:
    shutil.copy(folder / "snapshots" / files(folder)[0], newest(folder))
    assert "its name says another" in why(folder)


def test_a_snapshot_of_a_frame_that_the_journal_lost_is_passed_over(folder: Path) -> None:
    write_from_journal(folder)
    segment = folder / f"{1:020}.jzj"
    os.truncate(segment, segment.stat().st_size - 1)
    (folder / "durable").unlink()
    found_digest, began, passed_over = opened(folder)
    assert found_digest == restart(folder, anew=True).state.digest()
    assert began == [files(folder)[-2]]
    assert "the journal ends before its frame 6" in passed_over[0].why
    # The next frame has the number of the lost one, and is another.
    with Ledger.open(folder, clock=clock()) as ledger:
        ledger.post(payments(77, [(2, 3)]))
    assert "is another than the one it was taken at" in why(folder)


def test_damage_to_the_journal_is_never_hidden_by_a_snapshot(folder: Path) -> None:
    segment = folder / f"{1:020}.jzj"
    raw = bytearray(segment.read_bytes())
    with Journal.open(folder) as journal:
        at = [frame.offset for frame in journal.frames()][4]  # the frame that the newest snapshot names
    raw[at + 200] ^= 1
    segment.write_bytes(raw)
    with pytest.raises(JournalError, match="frame 5 at offset"):
        Ledger.open(folder, clock=clock())


# Heads and parts that lie

BIG = 2**62


def dropped(part: str) -> Change:
    return lambda _, parts: parts.pop(part)


def accounts_with(column: str, value: int) -> Change:
    def change(_: dict[str, Any], parts: Parts) -> None:
        accounts = np.frombuffer(parts["accounts"], dtype=ACCOUNT).copy()
        accounts[3][column] = value
        parts["accounts"] = accounts.tobytes()

    return change


def coins_with(column: int, value: int) -> Change:
    def change(_: dict[str, Any], parts: Parts) -> None:
        coins = np.frombuffer(parts["coins"], dtype=np.int64).copy()
        coins[column] = value
        parts["coins"] = coins.tobytes()

    return change


def ids_with(row: int, values: tuple[int, int, int]) -> Change:
    def change(_: dict[str, Any], parts: Parts) -> None:
        ids = np.frombuffer(parts["ids"], dtype=np.uint64).reshape(-1, 3).copy()
        ids[row] = ids[row + 1] if values == (-1, -1, -1) else values
        parts["ids"] = ids.tobytes()

    return change


def pendings_with(**fields: int) -> Change:
    def change(_: dict[str, Any], parts: Parts) -> None:
        pendings = np.frombuffer(parts["pendings"], dtype=PENDING).copy()
        for column, value in fields.items():
            pendings[0][column] = value
        parts["pendings"] = pendings.tobytes()

    return change


def numbers_with(**fields: object) -> Change:
    def change(_: dict[str, Any], parts: Parts) -> None:
        parts["numbers"] = json.dumps(json.loads(parts["numbers"]) | fields).encode()

    return change


def text(part: str, before: bytes, after: bytes) -> Change:
    def change(_: dict[str, Any], parts: Parts) -> None:
        assert before in parts[part]
        parts[part] = parts[part].replace(before, after, 1)

    return change


def head_with(**fields: object) -> Change:
    return lambda head, _: head.update(fields)


LIES: list[tuple[str, Change, str]] = [
    *((f"without {part}", dropped(part), "it has the parts") for part in PARTS),
    ("a part too many", lambda _, parts: parts.update(more=b"x"), "it has the parts"),
    ("many accounts", head_with(accounts=BIG), "bytes of them"),
    ("fewer accounts", head_with(accounts=3), "bytes of them"),
    ("many ids", head_with(ids=BIG), "bytes of them"),
    ("many coins", head_with(coins=BIG), "bytes of them"),
    ("accounts below zero", head_with(accounts=-1), "its head cannot be read"),
    ("accounts past all numbers", head_with(accounts=10**40), "its head cannot be read"),
    ("accounts in words", head_with(accounts="8"), "its head cannot be read"),
    ("another field", head_with(extra=1), "its head cannot be read"),
    ("another format", head_with(format="jiaozi snapshot 1"), "this Jiaozi reads"),
    ("frame 0", head_with(sequence=0), "its name says another"),
    ("another hash", head_with(hash="0" * 64), "is another than"),
    ("another instant", head_with(instant=0), "is another than"),
    ("an instant past all numbers", head_with(instant=10**40), "is another than|cannot be read"),
    ("another law", head_with(law="0" * 64), "is another than"),
    ("accounts that end early", text("accounts", b"\0", b""), "bytes of them"),
    ("another person", accounts_with("person", 8), "has person 8"),
    ("another coin", accounts_with("coin", 1), "has coin 1"),
    ("another place", accounts_with("zone", 255), "has zone 255"),
    ("another kind", accounts_with("kind", 255), "has kind 255"),
    ("another tier", accounts_with("tier", 255), "has tier 255"),
    ("fewer than no coins", coins_with(C_ISSUED, -1), "fewer than no coins"),
    ("id zero", ids_with(0, (0, 0, 5)), "zero or stands there twice"),
    ("an id twice", ids_with(0, (-1, -1, -1)), "zero or stands there twice"),
    ("counts that no law asked for", lambda _, parts: parts.update(counts=bytes(8)), "bytes of them"),
    ("counts that are not there", numbers_with(has_counts=True), "bytes of them"),
    ("ids taken in words", numbers_with(ids_taken="8"), "its content"),
    ("another number", numbers_with(more=1), "its content"),
    ("a pending transfer of nobody", pendings_with(debit=8), "an account that it does not have"),
    ("a pending transfer to nobody", pendings_with(credit=2**32 - 1), "an account that it does not have"),
    ("a pending transfer without an id", pendings_with(id_lo=0, id_hi=0), "its content"),
    ("a pending transfer twice", pendings_with(id_lo=4), "its content"),
    ("half a pending transfer", text("pendings", b"\0", b""), "its content"),
    ("no law", lambda _, parts: parts.update(law=b"null"), "it has no law"),
    ("law that is no JSON", lambda _, parts: parts.update(law=b"{"), "its content cannot be"),
    ("law that cannot be read", text("law", b"[book]", b"[bo0k]"), "its content cannot be"),
    ("register that is no JSON", lambda _, parts: parts.update(register=b"[" * 9_999), "its content"),
    ("register with blanks", text("register", b",", b", "), "not written as a register is"),
    ("a coin without issuer", text("register", b'"issuer":"pujiang-pay"', b'"issuer":"x"'), "its content"),
    ("a licence of nowhere", text("register", b'"place":"cn-sh"', b'"place":"mars"'), "its content"),
    ("a coin numbered 5", text("register", b'"number":0', b'"number":5'), "one after the other"),
    ("a sheet of others", text("register", b'"reserve":0', b'"reserve":99'), "names an account"),
    ("counts of noise", lambda _, parts: parts.update(activity=b'[{"coin":"x"}]'), "its content"),
    ("a sum of words", text("activity", b'"paid_fen":"2"', b'"paid_fen":"two"'), "its content"),
    ("a result that is none", text("activity", b'"results":[[0,', b'"results":[[99,'), "its content"),
]


@pytest.mark.parametrize(("change", "says"), [lie[1:] for lie in LIES], ids=[lie[0] for lie in LIES])
def test_a_snapshot_whose_digests_hold_and_whose_content_cannot_be_is_passed_over(
    folder: Path, change: Change, says: str
) -> None:
    forge(newest(folder), change)
    with pytest.raises(Unfit, match=says):
        load(newest(folder), folder)
    why(folder)


def test_a_state_that_is_not_the_one_that_went_in_is_passed_over(folder: Path) -> None:
    head, parts = taken_apart(newest(folder))
    head["state"] = "0" * 64
    put_together(newest(folder), head, parts)
    assert "not the one that went in" in why(folder)


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 50_000, b'{"parts":' * 20_000, b'"' + b"a" * 900_000],
    ids=range(8),
)
def test_a_head_that_is_noise_is_passed_over(folder: Path, raw: bytes) -> None:
    put_together(newest(folder), raw, {})
    assert "its head cannot be read" in why(folder)


@pytest.mark.parametrize("field", ["bytes", "accounts"])
def test_a_head_that_claims_much_takes_no_memory(folder: Path, field: str) -> None:
    head, parts = taken_apart(newest(folder))
    if field == "bytes":
        head["parts"][0]["bytes"] = BIG
    head["accounts"] = BIG
    put_together(newest(folder), head, parts)
    tracemalloc.start()
    with pytest.raises(Unfit, match=r"its parts end at byte|bytes of them"):
        load(newest(folder), folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_an_end_that_claims_a_head_beyond_the_file_is_passed_over(folder: Path) -> None:
    for length in (10**5 + 1, 2**20 + 1, 2**63, 2**64 - 1):
        newest(folder).write_bytes(MAGIC + bytes(10**5) + END.pack(length, bytes(32), MAGIC))
        assert f"claims a head of {length} bytes" in why(folder)
