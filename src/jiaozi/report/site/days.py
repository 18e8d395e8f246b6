"""The figures of one checkpoint, and all of them as `disclosure.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from jiaozi.money import decimal_text
from jiaozi.proof.auditing.chain import Link
from jiaozi.proof.checkpoint import Checkpoint
from jiaozi.proof.verify_jiaozi import read_note

FORMAT = "jiaozi-disclosure-1"


@dataclass(frozen=True, slots=True)
class Signatory:
    """Whose signature was checked: *role* is `issuer`, `supervisor`, or empty for anybody else."""

    role: str
    name: str
    verifier_key: str


@dataclass(frozen=True, slots=True)
class Day:
    """One checkpoint as it is told: amounts in fen, *sha256* of its sixteen lines, *file* in the publication."""

    stated: Checkpoint
    sha256: str
    note: str
    file: str
    signed_by: tuple[str, ...]

    @classmethod
    def of(cls, link: Link) -> Day:
        """Return the day of an audited *link*."""
        stated = link.stated
        file = f"checkpoints/{stated.coin}-{stated.epoch:06d}.checkpoint"
        return cls(stated, link.hash.hex(), link.note, file, link.signed_by)

    def has_key(self, signatory: Signatory) -> bool:
        """Whether it was this key of *signatory* that signed: after a change of key it may be another one."""
        key_hash = bytes.fromhex(signatory.verifier_key.split("+")[1])
        lines = read_note(self.note)[2]
        return any((name, data[:4]) == (signatory.name, key_hash) for name, data in lines)

    @property
    def coverage_basis_points(self) -> int | None:
        """Reserve over coins outstanding in hundredths of a percent, rounded down; None without coins."""
        if not self.stated.total_fen:
            return None
        return self.stated.reserve_fen * 10_000 // self.stated.total_fen

    @property
    def short_fen(self) -> int:
        """What the reserve lacks; 0 when every coin is covered."""
        return max(0, self.stated.total_fen - self.stated.reserve_fen)


def percent(basis_points: int) -> str:
    """Return 10,012 basis points as `100.12`."""
    units, rest = divmod(basis_points, 100)
    return f"{units}.{rest:02d}"


def disclosure(days: Sequence[Day], signatories: Sequence[Signatory]) -> str:
    """Return the figures of the newest of *days*, each with date and source, and a line for every one before.

    Money is decimal text. What a checkpoint does not state is null, so that nobody
    takes silence for nothing: the kinds of assets in the reserve are not in it.
    """
    newest = days[-1]
    stated, source = newest.stated, f"checkpoint {newest.stated.epoch}, {newest.file}"
    instant = stated.instant.isoformat()

    def figure(value: object, line: str) -> dict[str, object]:
        return {"value": value, "date": instant, "source": f"{source}, line {line}"}

    data = {
        "format": FORMAT,
        "origin": stated.origin,
        "coin": stated.coin,
        "unit": stated.unit,
        "epoch": stated.epoch,
        "instant": instant,
        "sha256": newest.sha256,
        "coins_outstanding": figure(decimal_text(stated.total_fen), "total"),
        "reserve": figure(decimal_text(stated.reserve_fen), "reserve"),
        "reserve_source": figure(stated.reserve_source, "reserve_source"),
        "reserve_by_kind": None,
        "shortfall": figure(decimal_text(newest.short_fen), "total less reserve"),
        "coverage_percent": figure(_coverage(newest), "reserve over total, rounded down"),
        "accounts": figure(stated.accounts, "accounts"),
        "law_digest": figure(stated.law_digest.hex(), "law"),
        "law_status": figure("draft" if stated.law_is_draft else "in force", "law"),
        "journal_sequence": figure(stated.journal_sequence, "journal"),
        "journal_hash": figure(stated.journal_hash.hex(), "journal"),
        "signed_by": [
            {"role": each.role or None, "name": each.name, "key": each.verifier_key}
            for each in signatories
            if newest.has_key(each)
        ],
        "checkpoints": [
            {
                "epoch": day.stated.epoch,
                "instant": day.stated.instant.isoformat(),
                "coins_outstanding": decimal_text(day.stated.total_fen),
                "reserve": decimal_text(day.stated.reserve_fen),
                "coverage_percent": _coverage(day),
                "accounts": day.stated.accounts,
                "law_status": "draft" if day.stated.law_is_draft else "in force",
                "file": day.file,
                "sha256": day.sha256,
            }
            for day in days
        ],
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _coverage(day: Day) -> str | None:
    points = day.coverage_basis_points
    return None if points is None else percent(points)
