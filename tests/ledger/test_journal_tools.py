"""A journal is told frame by frame and exported whole; a damaged one gets a plan, and is not touched."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import resource
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from jiaozi.clock import Instant
from jiaozi.errors import JournalError
from jiaozi.ledger.journal.export import (
    COLUMNS,
    Range,
    Teller,
    as_csv,
    as_json_lines,
    frames_in,
    write_file,
)
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.journal import Journal, read_frames
from jiaozi.ledger.journal.verify import repair_plan
from jiaozi.ledger.ledger import Ledger
from jiaozi.ledger.notes import Note
from jiaozi.ledger.payload import Booked, pack
from jiaozi.ledger.records import AS_PENDING, BOOK, WHOLE, Choice, TransferFlag, one_call, openings, transfers
from jiaozi.ledger.results import Result
from tests.ledger.ledger_world import FIRST_HOLDER, clock, found, payments
from tests.ledger.small_world import COIN

LAW = bytes(32)
EVERYTHING = Range()


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger's journal: law, accounts, money for twenty holders, one payment booked and two refused."""
    folder = tmp_path_factory.mktemp("traffic") / "journal"
    with found(folder, tier="t4") as ledger:
        batch = payments(100, [(0, 1), (0, 1), (0, 1)], amount_fen=250_50)
        batch["amount"][1] = 2_000_01
        batch["amount"][2] = 900_00
        assert ledger.post(batch).results.tolist() == [
            Result.CREATED, Result.REFUSED_BY_LAW, Result.EXCEEDS_CREDITS,
        ]  # fmt: skip
        more = openings(2)
        more["zone"], more["kind"], more["person"][1] = 2, 1, FIRST_HOLDER
        ledger.open_accounts(more)
    return folder


def rows(folder: Path, wanted: Range = EVERYTHING) -> list[dict[str, str]]:
    text = "".join(as_csv(frames_in(folder, wanted), Teller(folder)))
    return list(csv.DictReader(io.StringIO(text)))


def told(folder: Path, wanted: Range = EVERYTHING) -> list[dict[str, object]]:
    return [json.loads(line) for line in as_json_lines(frames_in(folder, wanted), Teller(folder))]


# Told and exported


def test_a_transfer_is_told_with_its_money_as_text_and_its_reasons_by_name(traffic: Path) -> None:
    first, second, third = rows(traffic)[-3:]
    assert first["debit"] == str(FIRST_HOLDER)
    assert first["credit"] == str(FIRST_HOLDER + 1)
    assert first["id"] == f"{7:016x}{100:016x}"
    assert (first["amount"], first["action"], first["result"], first["reasons"]) == (
        "250.50",
        "pay",
        "created",
        "",
    )
    assert first["place"] == "cn-sh"
    assert (second["amount"], second["result"]) == ("2000.01", "refused_by_law")
    assert "cn-sh.pay/single_cap" in second["reasons"].split()
    assert (third["amount"], third["result"], third["reasons"]) == ("900.00", "exceeds_credits", "")


def test_csv_holds_every_transfer_once_and_json_lines_every_frame(traffic: Path) -> None:
    frames = told(traffic)
    assert [frame["frame"] for frame in frames] == list(range(1, len(frames) + 1))
    assert [frame["kind"] for frame in frames] == [
        "facts",
        "accounts",
        "facts",
        "transfers",
        "transfers",
        "accounts",
    ]
    assert [frame["hash"] for frame in frames] == [frame.hash.hex() for frame in read_frames(traffic)]
    assert all(one["hash"] == other["previous"] for one, other in itertools.pairwise(frames))
    in_json = [each for frame in frames for each in frame.get("transfers", [])]  # type: ignore[attr-defined]
    in_csv = rows(traffic)
    assert list(in_csv[0]) == list(COLUMNS)
    assert len(in_csv) == len(in_json) == 1 + 20 + 3
    for one, other in zip(in_csv, in_json, strict=True):
        flat = {
            name: " ".join(value) if isinstance(value, list) else str(value) for name, value in other.items()
        }
        assert one == flat
    assert frames[2]["facts"] == [
        {
            "fact": "sheet named",
            "coin": COIN,
            "reserve": 0,
            "client_money": 1,
            "unmatched": 2,
            "redemptions": 3,
        }
    ]


def test_reservations_are_told_with_what_became_of_them(tmp_path: Path) -> None:
    """Posted in part, voided, timed out; a try that failed is told as it was sent, with its note."""
    folder = tmp_path / "journal"
    now = clock()
    found(folder, tier="t4").close()
    with Ledger.open(folder, clock=now) as ledger:
        pending = payments(100, [(0, 1), (0, 1), (0, 1)], amount_fen=50_00)
        pending["flags"], pending["timeout"], pending["value_day"] = TransferFlag.PENDING, [0, 0, 60], 9_846
        ledger.post(pending)
        ends = payments(200, [(0, 1)] * 3)
        ends["debit"] = ends["credit"] = AS_PENDING
        ends["memo_lo"], ends["memo_hi"] = [100, 101, 100], 7
        ends["action"], ends["place"], ends["amount"] = 0, 0, [20_00, WHOLE, WHOLE]
        ends["flags"] = [1 << 2, 1 << 3, 1 << 2]
        ledger.post(ends, notes={2: Note(reason="tried twice")}, choice=Choice.STOP)
        now.set(Instant(now() + 60 * 10**9))
        ledger.tick()
    *_, first, second, third = rows(folder)
    payer, payee = str(FIRST_HOLDER), str(FIRST_HOLDER + 1)
    assert [first[name] for name in ("debit", "credit", "amount", "asked", "action", "place")] == [
        payer, payee, "20.00", "20.00", "pay", "cn-sh"
    ]  # fmt: skip
    assert [second[name] for name in ("debit", "credit", "amount", "asked")] == [
        payer,
        payee,
        "50.00",
        "whole",
    ]
    assert [third[name] for name in ("debit", "credit", "amount", "asked")] == ["", "", "", "whole"]
    assert (third["result"], third["note"]) == (
        "pending_transfer_already_posted", '{"reason":"tried twice"}'
    )  # fmt: skip
    *_, reserved, ended, timed_out = told(folder)
    assert reserved["transfers"][0]["value_date"] == "2026-12-16"  # type: ignore[index]
    assert ended["calls"] == [{"end": 3, "choice": "stop"}]
    assert isinstance(timed_out["released"], list)
    released: dict[str, str] = timed_out["released"][0]
    assert (released["id"], released["amount"]) == (f"{7:016x}{102:016x}", "50.00")
    assert released["deadline"] == timed_out["instant"] == "2026-12-15T10:01:00.000000+08:00"


def test_accounts_are_told_by_number_and_in_the_words_of_the_law(traffic: Path) -> None:
    *_, last = told(traffic)
    accounts = last["accounts"]
    assert isinstance(accounts, list)
    assert [(each["account"], each["person"]) for each in accounts] == [(24, 24), (25, FIRST_HOLDER)]
    assert (accounts[0]["zone"], accounts[0]["flags"]) == ("cn-sh", ["debits_must_not_exceed_credits"])


@pytest.mark.parametrize("start", [4, 5, 6])
def test_a_frame_from_the_middle_is_told_as_in_the_whole(traffic: Path, start: int) -> None:
    """The law and the number of accounts stand in frames before it."""
    assert told(traffic, Range(start)) == told(traffic)[start - 1 :]
    assert rows(traffic, Range(start)) == [row for row in rows(traffic) if int(row["frame"]) >= start]


def test_one_line_a_frame_says_what_is_in_it(traffic: Path) -> None:
    teller = Teller(traffic)
    lines = [teller.line(frame) for frame in read_frames(traffic)]
    assert "facts: law enacted, issuer registered, licence granted, coin created, consent granted" in lines[0]
    assert "accounts opened: 24" in lines[1]
    assert "transfers: 3, booked: 1, refused or known: 2" in lines[4]
    assert "2026-12-15T10:00:00.000000+08:00" in lines[4]


def plain(folder: Path, count: int, *, segment_bytes: int = 64 << 20, size: int = 2) -> Path:
    """Write a journal whose frame n stands at instant n and holds one fact of nothing."""
    with Journal.open(folder, segment_bytes=segment_bytes) as journal:
        for number in range(1, count + 1):
            content = b"[]".ljust(size)
            journal.append(FrameKind.FACTS, Instant(number), LAW, [content], follows=number - 1).result()
    return folder


def test_from_is_included_and_until_is_not_for_numbers_and_instants(tmp_path: Path) -> None:
    folder = plain(tmp_path / "journal", 10, segment_bytes=300)
    assert len(list(folder.glob("*.jzj"))) > 3

    def numbers(wanted: Range) -> list[int]:
        return [frame.sequence for frame in frames_in(folder, wanted)]

    for low in range(1, 12):
        for high in range(1, 13):
            expected = [number for number in range(1, 11) if low <= number < high]
            assert numbers(Range(low, high)) == expected
            assert numbers(Range(from_instant=Instant(low), until_instant=Instant(high))) == expected
            assert numbers(Range(from_frame=low, until_instant=Instant(high))) == expected
    with pytest.raises(JournalError, match="ends at frame 10"):
        numbers(Range(12))


def test_a_frame_that_holds_nonsense_is_named(tmp_path: Path) -> None:
    kinds = (FrameKind.FACTS, FrameKind.ACCOUNTS, FrameKind.TRANSFERS)
    with Journal.open(tmp_path) as journal:
        for number, kind in enumerate(kinds):
            journal.append(kind, Instant(number), LAW, [b"nonsense"[number:]], follows=number).result()
    for number, frame in enumerate(list(read_frames(tmp_path)), start=1):
        for tell in (Teller(tmp_path).line, Teller(tmp_path).told):
            with pytest.raises(JournalError, match=f"frame {number} is whole and cannot be told"):
                tell(frame)


def test_without_its_law_a_transfer_is_told_in_numbers(tmp_path: Path) -> None:
    batch = transfers(1)
    batch["place"], batch["action"], batch["travel_data"], batch["flags"] = 3, 9, 2, 0x4001
    bits = np.array([[0b101 << 60, 1]], dtype=np.uint64)
    results = np.array([Result.REFUSED_BY_LAW], dtype=np.uint8)
    booked = Booked(batch, one_call(1), results, bits)
    with Journal.open(tmp_path) as journal:
        journal.append(FrameKind.TRANSFERS, Instant(1), b"\7" * 32, pack(booked), follows=0).result()
    (row,) = rows(tmp_path)
    assert (row["place"], row["action"], row["travel_data"]) == ("3", "9", "2")
    assert row["reasons"] == "#60 #62 #64"
    assert row["flags"] == "linked 0x4000"


def test_an_export_of_many_frames_keeps_one_in_memory(tmp_path: Path) -> None:
    count, batch = 30, transfers(400)
    batch["id_lo"] = np.arange(1, 401)
    batch["amount"], batch["action"] = 1, BOOK
    results = np.zeros(len(batch), dtype=np.uint8)
    payload = pack(Booked(batch, one_call(len(batch)), results, np.zeros((len(batch), 1), dtype=np.uint64)))
    with Journal.open(tmp_path / "journal") as journal:
        for number in range(count):
            journal.append(FrameKind.TRANSFERS, Instant(number), LAW, payload, follows=number)
    folder, target = tmp_path / "journal", tmp_path / "all.csv"
    tracemalloc.start()
    write_file(target, as_csv(frames_in(folder, Range(1, 5)), Teller(folder)))
    few = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    target.unlink()
    tracemalloc.start()
    write_file(target, as_csv(frames_in(folder, Range(1, 25)), Teller(folder)))
    more = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert more < few * 1.2
    with target.open() as file:
        assert sum(1 for _ in file) == 1 + 24 * 400


# A file is there complete or not at all


def test_an_export_never_writes_over_a_file(traffic: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("mine", "utf-8")
    with pytest.raises(FileExistsError, match="nothing was written"):
        write_file(target, as_csv(frames_in(traffic, EVERYTHING), Teller(traffic)))
    target.unlink()
    target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        write_file(target, ["x"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv"]


def test_an_export_that_fails_in_the_middle_leaves_no_file(traffic: Path, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in (0, 100, 1_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            with pytest.raises(OSError, match="large"):
                write_file(tmp_path / "out.csv", as_csv(frames_in(traffic, EVERYTHING), Teller(traffic)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert list(tmp_path.iterdir()) == []
    folder = damaged_copy(traffic, tmp_path / "journal", -40)
    with pytest.raises(JournalError):
        write_file(tmp_path / "out.csv", as_csv(frames_in(folder, EVERYTHING), Teller(folder)))
    assert [path.name for path in tmp_path.iterdir()] == ["journal"]


def damaged_copy(journal: Path, folder: Path, back: int) -> Path:
    """Copy *journal* and change one byte inside its fourth frame, counted from the end of that frame."""
    shutil.copytree(journal, folder)
    frames = list(read_frames(folder))
    path = folder / frames[4].segment
    raw = bytearray(path.read_bytes())
    raw[frames[4].offset + back] ^= 1
    path.write_bytes(raw)
    return folder


# What to do about damage


def planned(folder: Path) -> tuple[str, ...]:
    """Return the words of the plan; nothing was changed."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    plan = repair_plan(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    return tuple("\n".join(part) for part in (plan.whole, plan.damaged, plan.to_do, plan.lost))


@pytest.fixture
def segments(tmp_path: Path) -> list[Path]:
    """Five segments of two frames each."""
    return sorted(plain(tmp_path / "journal", 10, segment_bytes=200).glob("*.jzj"))


def test_a_whole_journal_needs_nothing(segments: list[Path]) -> None:
    assert len(segments) == 5
    plan = repair_plan(segments[0].parent)
    assert (plan.damage, plan.whole_to, plan.whole_until) == (None, 10, 10)
    assert planned(segments[0].parent) == ("frames 1 to 10, to the last byte", "", "", "")


def test_a_torn_tail_is_cut_and_nobody_misses_it(segments: list[Path]) -> None:
    raw = segments[4].read_bytes()
    segments[4].write_bytes(raw[:-1])
    whole, damaged, to_do, lost = planned(segments[0].parent)
    assert "although it was flushed" in str(repair_plan(segments[0].parent).damage)
    assert f"restore {segments[4].name} from a backup" in to_do
    (segments[0].parent / "durable").unlink()  # a power cut left it behind
    whole, damaged, to_do, lost = planned(segments[0].parent)
    assert repair_plan(segments[0].parent).damage is None
    assert whole == "frames 1 to 9"
    assert f"{segments[4].name}: an unfinished frame of 161 bytes at offset 162" in damaged
    assert f"cut {segments[4].name} to 162 bytes" in to_do
    assert lost == "nothing that anyone was told of"


def test_a_damaged_frame_is_named_with_what_is_whole_around_it(segments: list[Path]) -> None:
    raw = bytearray(segments[1].read_bytes())
    raw[170] ^= 1
    segments[1].write_bytes(raw)
    plan = repair_plan(segments[0].parent)
    assert plan.damage is not None
    assert "frame 4 at offset 162" in plan.damage
    assert plan.whole_to == 3
    whole, damaged, to_do, lost = planned(segments[0].parent)
    assert f"{segments[1].name}: whole frames 3 to 3, 1 in all" in whole
    assert f"{segments[4].name}: whole frames 9 to 10, 2 in all" in whole
    assert damaged == f"{segments[1].name}: frame 4 at offset 162, 162 bytes: no frame can be read there"
    assert to_do.startswith(f"restore {segments[1].name} from a backup")
    assert "frames 4 to 10 would be lost" in lost


def test_every_damaged_place_is_named_not_the_first_alone(segments: list[Path]) -> None:
    (segments[0].parent / "durable").unlink()
    for number, at_byte in ((0, 3), (2, 165), (4, 322)):
        raw = bytearray(segments[number].read_bytes())
        raw[at_byte] ^= 1
        segments[number].write_bytes(raw)
    _, damaged, to_do, lost = planned(segments[0].parent)
    assert f"{segments[0].name}: frame 1 at offset 0, 162 bytes" in damaged
    assert f"{segments[2].name}: frame 6 at offset 162, 162 bytes" in damaged
    assert f"{segments[4].name}: an unfinished frame of 162 bytes at offset 162" in damaged
    assert f"restore {segments[0].name} from a backup\nrestore {segments[2].name} from a backup\n" in to_do
    assert f"leave the end of {segments[4].name}" in to_do
    assert "ends at frame 0: frames 1 to 9 would be lost" in lost


def test_missing_renamed_and_exchanged_segments_are_told(segments: list[Path]) -> None:
    folder = segments[0].parent
    raw = [path.read_bytes() for path in segments]
    segments[1].unlink()
    _, damaged, to_do, _ = planned(folder)
    assert damaged == f"frames 3 to 4 are missing: no segment before {segments[2].name}"
    assert "restore from a backup the segments that hold frames 3 to 4" in to_do
    segments[1].write_bytes(raw[3])
    _, damaged, to_do, _ = planned(folder)
    assert f"{segments[1].name}: frame 3 at offset 0, 162 bytes: whole, and numbered 7" in damaged
    assert f"restore {segments[1].name}" in to_do
    segments[1].write_bytes(raw[1])
    (folder / "copy.jzj").write_bytes(raw[0])
    _, damaged, to_do, _ = planned(folder)
    assert "copy.jzj is not named like a segment" in damaged
    (folder / "copy.jzj").unlink()
    assert repair_plan(folder).damage is None


def test_a_segment_of_another_journal_is_told_by_its_hash(segments: list[Path], tmp_path: Path) -> None:
    other = plain(tmp_path / "other", 10, segment_bytes=200, size=3)
    segments[2].write_bytes((other / segments[2].name).read_bytes())
    _, damaged, to_do, _ = planned(segments[0].parent)
    assert f"{segments[2].name}: frame 5 at offset 0" in damaged
    assert "does not carry the hash of the frame before" in damaged
    assert f"restore {segments[2].name}" in to_do


@pytest.mark.parametrize("number", range(5))
def test_whatever_byte_turns_the_plan_agrees_with_the_reader(segments: list[Path], number: int) -> None:
    """Damage is never called whole, wholeness never damage, and the segment is the right one."""
    path = segments[number]
    raw = path.read_bytes()
    for at_byte in range(0, len(raw), 13):
        if at_byte > len(raw) // 2:
            (path.parent / "durable").unlink(missing_ok=True)
        broken = bytearray(raw)
        broken[at_byte] ^= 1 << at_byte % 8
        path.write_bytes(broken)
        plan = repair_plan(path.parent)
        if plan.damage is None:
            assert number == 4
            assert at_byte >= 162
            assert any("unfinished" in line for line in plan.damaged)
        else:
            assert all(line.startswith(path.name) for line in plan.damaged)
            assert plan.to_do[0] == f"restore {path.name} from a backup"
        path.write_bytes(raw)


def test_a_plan_for_rubbish_ends(tmp_path: Path) -> None:
    (tmp_path / "00000000000000000001.jzj").write_bytes(b"JZF1" * 100_000)
    (tmp_path / "00000000000000000009.jzj").write_bytes(os.urandom(3 << 20))
    plan = repair_plan(tmp_path)
    assert plan.damage is not None
    assert plan.whole == ()
    assert "nobody can say" in plan.lost[1]
