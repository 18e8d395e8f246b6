"""`jiaozi journal`: a journal checked, read, exported, and what to do about a damaged one."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from jiaozi.clock import Instant, moment_of
from jiaozi.commands.words import NotUnderstood, instant_of_text, journal_folder
from jiaozi.errors import JournalError, NotReady
from jiaozi.ledger.journal.export import FORMATS, Range, Teller, as_json_lines, frames_in, write_file
from jiaozi.ledger.journal.frames import Frame, FrameKind
from jiaozi.ledger.journal.journal import verify
from jiaozi.ledger.journal.verify import RepairPlan, repair_plan
from jiaozi.ledger.restart import write_from_journal


def run(given: argparse.Namespace) -> int:
    """Return 0 when the journal is whole, 1 when it is damaged, 2 when there is none."""
    verbs = {"verify": _verify, "cat": _cat, "export": _export}
    verbs |= {"repair-plan": _repair_plan, "snapshot": _snapshot}
    try:
        return verbs[given.verb](journal_folder(given.folder), given)
    except NotUnderstood as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read us has seen enough. What is left in the buffer must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _verify(folder: Path, given: argparse.Namespace) -> int:
    try:
        report = verify(folder)
    except JournalError as error:
        if given.json:
            print(json.dumps({"ok": False, "damage": str(error)}, indent=2))
        else:
            print(error, file=sys.stderr)
        return 1
    first, last = _moment(report.first_instant), _moment(report.last_instant)
    torn = report.torn_tail
    if given.json:
        print(
            json.dumps(
                {
                    "ok": True,
                    "frames": report.frames,
                    "bytes": report.bytes,
                    "segments": report.segments,
                    "first": first,
                    "last": last,
                    "head": report.head_hash.hex(),
                    "torn_tail_bytes": torn.bytes_cut if torn else 0,
                },
                indent=2,
            )
        )
        return 0
    print(
        f"whole: {report.frames:,} frames, {report.bytes:,} bytes in {report.segments} segments, {first} to {last}"
    )
    print(f"head {report.head_hash.hex()}")
    if torn:
        print(
            f"an unfinished frame of {torn.bytes_cut} bytes stands at the end; opening the journal cuts it off"
        )
    return 0


def _snapshot(folder: Path, given: argparse.Namespace) -> int:
    try:
        written = write_from_journal(folder, anew=given.anew)
    except JournalError as error:
        print(error, file=sys.stderr)
        return 1
    except NotReady as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return 2
    if given.json:
        answer = {"path": str(written.path), "sequence": written.sequence, "bytes": written.bytes}
        print(json.dumps(answer, indent=2))
    else:
        print(f"frame {written.sequence:,}, {written.bytes:,} bytes: {written.path}")
    return 0


def _cat(folder: Path, given: argparse.Namespace) -> int:
    teller = Teller(folder)
    if given.frame is not None:
        if given.from_ or given.until:
            raise NotUnderstood("--frame is one frame; leave --from and --until out")
        number = _number("--frame", given.frame)
        frame = next(frames_in(folder, Range(number, number + 1)), None)
        if frame is None:
            raise JournalError(f"the journal ends at frame {number - 1}; there is no frame {number}")
        lines = as_json_lines([frame], teller) if given.json else _in_full(frame, teller)
    else:
        frames = frames_in(folder, _range(given))
        lines = as_json_lines(frames, teller) if given.json else (f"{teller.line(each)}\n" for each in frames)
    _say(lines)
    return 0


def _in_full(frame: Frame, teller: Teller) -> Iterator[str]:
    """Give everything that *frame* says, line by line."""
    yield f"frame {frame.sequence:,}, {frame.kind.name.lower()}\n"
    yield f"at        {_moment(frame.instant)}\n"
    yield f"in        {frame.segment}, offset {frame.offset:,}\n"
    yield f"law       {frame.law_digest.hex()}\n"
    yield f"previous  {frame.previous_hash.hex()}\n"
    yield f"hash      {frame.hash.hex()}\n\n"
    if frame.kind is FrameKind.TRANSFERS:
        yield f"{'id':<32}  {'debit':>10}  {'credit':>10}  {'amount':>20}  {'action':<6}  result, reasons\n"
        for told in teller.transfers(frame):
            yield (
                f"{told['id']}  {told['debit']:>10}  {told['credit']:>10}  {told['amount']:>20}  "
                f"{told['action']:<6}  {' '.join([told['result'], *told['reasons']])}\n"
            )
    elif frame.kind is FrameKind.ACCOUNTS:
        yield f"{'account':>10}  {'count':>10}  {'person':>10}  {'coin':>5}  {'code':>5}  zone, kind, tier, flags\n"
        for told in teller.accounts(frame):
            words = ", ".join(filter(None, [told["zone"], told["kind"], told["tier"], *told["flags"]]))
            numbers = f"{told['account']:>10}  {told['count']:>10}  {told['person']:>10}"
            yield f"{numbers}  {told['coin']:>5}  {told['code']:>5}  {words}\n"
    else:
        yield json.dumps(teller.told(frame)["facts"], ensure_ascii=False, indent=2) + "\n"


def _export(folder: Path, given: argparse.Namespace) -> int:
    lines = FORMATS[given.format](frames_in(folder, _range(given)), Teller(folder))
    if given.to == "-":
        _say(lines)
        return 0
    write_file(Path(given.to), lines)
    print(f"written: {given.to}", file=sys.stderr)
    return 0


def _repair_plan(folder: Path, given: argparse.Namespace) -> int:
    plan = repair_plan(folder)
    if given.json:
        answer = asdict(plan) | {"ok": plan.damage is None, "whole_until": _moment(plan.whole_until)}
        print(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        _say(_plan_lines(plan))
    return 0 if plan.damage is None else 1


def _plan_lines(plan: RepairPlan) -> Iterator[str]:
    if plan.damage is None:
        yield (
            "whole; nothing is to be repaired\n" if not plan.damaged else "whole up to an unfinished write\n"
        )
    else:
        yield f"DAMAGED; the journal can be relied on up to frame {plan.whole_to:,}"
        yield f", {_moment(plan.whole_until)}\n" if plan.whole_until is not None else "\n"
        yield f"first found  {plan.damage}\n"
    for title, lines in (
        ("whole", plan.whole),
        ("damaged", plan.damaged),
        ("to do", plan.to_do),
        ("lost", plan.lost),
    ):
        for line in lines:
            yield f"{title:<11}  {line}\n"
    yield "nothing was changed\n"


def _range(given: argparse.Namespace) -> Range:
    from_frame, from_instant = _end("--from", given.from_)
    until_frame, until_instant = _end("--until", given.until)
    return Range(from_frame or 1, until_frame, from_instant, until_instant)


def _end(option: str, text: str | None) -> tuple[int | None, Instant | None]:
    """Return the frame or the instant that *text* means."""
    if text is None:
        return None, None
    if text.isdecimal():
        return _number(option, text), None
    return None, instant_of_text(option, text)


def _number(option: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19 and int(text) > 0):
        raise NotUnderstood(f"{option} {text:.40} is no frame; frames are numbered from 1")
    return int(text)


def _moment(instant: Instant | None) -> str | None:
    return None if instant is None else moment_of(instant).isoformat()


def _say(lines: Iterator[str]) -> None:
    """Print *lines* as they come. What stood before damage is out by the time it is told."""
    try:
        for line in lines:
            sys.stdout.write(line)
    finally:
        sys.stdout.flush()
