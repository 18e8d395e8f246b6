"""What the reserve is made of, from a small TOML: shares of cash, repo and bills, and what a failing bank holds.

Percentages are whole numbers of hundredths of a percent here. The store tells how much the reserve is;
the file only says of what. The one shipped, `reserve.toml`, is invented and says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from jiaozi.errors import LabError
from jiaozi.rulebook.reading.toml import Mistakes, Table, open_table

WHOLE = 100_00
"""One hundred percent in hundredths of a percent."""

KINDS = ("cash", "repo", "bill")
MOST_ASSETS = 20
MOST_BYTES = 100_000
MOST_SETTLING_DAYS = 10

_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class Bills:
    """Bills in the reserve: face in fen, what a sale loses, and the working days until its price is there."""

    face_fen: int
    haircut: int
    settles: int


@dataclass(frozen=True, slots=True)
class Asset:
    """One line of the file; `haircut` and `settles` are those of bills, else 0."""

    kind: str
    share: int
    haircut: int = 0
    settles: int = 0


@dataclass(frozen=True, slots=True)
class Reserve:
    """The composition; `is_invented` for the one shipped."""

    assets: tuple[Asset, ...]
    opens: int
    closes: int
    failing_share: int
    failing_worth: int
    is_invented: bool = False

    def shared_out(self, reserve_fen: int) -> tuple[int, int, tuple[Bills, ...]]:
        """Return cash, repo and bills that add up to *reserve_fen*; the last fen go to the first asset."""
        assert reserve_fen >= 0
        parts = [reserve_fen * asset.share // WHOLE for asset in self.assets]
        parts[0] += reserve_fen - sum(parts)
        cash = sum(part for asset, part in zip(self.assets, parts, strict=True) if asset.kind == "cash")
        repo = sum(part for asset, part in zip(self.assets, parts, strict=True) if asset.kind == "repo")
        bills = tuple(
            Bills(part, asset.haircut, asset.settles)
            for asset, part in zip(self.assets, parts, strict=True)
            if asset.kind == "bill"
        )
        return cash, repo, bills


def default_reserve() -> Reserve:
    """Return the invented composition that is shipped."""
    path = Path(__file__).parent / "reserve.toml"
    return _read(path.read_text(encoding="utf-8"), path.name, is_invented=True)


def read_reserve(path: Path) -> Reserve:
    """Return the composition in the file *path*. Raises `LabError` with every mistake and its line."""
    return _read(text_of(path, MOST_BYTES, "a TOML in UTF-8"), str(path), is_invented=False)


def text_of(path: Path, most_bytes: int, wanted: str) -> str:
    """Return the text of the file *path*. Raises `LabError`, also when it is longer than *most_bytes*."""
    try:
        with path.open("rb") as file:
            raw = file.read(most_bytes + 1)
        if len(raw) > most_bytes:
            raise LabError(
                f"{path}  file  has more than {most_bytes:,} bytes; give {wanted}, and a shorter one"
            )
        return raw.decode()
    except (OSError, UnicodeDecodeError) as why:
        raise LabError(f"{path}  file  cannot be read: {why}; give {wanted}") from None


def _read(text: str, file: str, *, is_invented: bool) -> Reserve:
    mistakes = Mistakes()
    top = open_table(text, file, mistakes)
    if top is None:
        raise LabError("\n".join(str(each) for each in mistakes.found))
    bank, failing = top.table("bank"), top.table("failing")
    opens, closes = _whole(bank, "opens", 9, 0, 23), _whole(bank, "closes", 17, 1, 24)
    if opens >= closes:
        bank.complain("closes", f"{closes} is not after {opens}, when the banks open")
    assets = tuple(_asset(table) for table in top.tables("asset"))
    share, worth = _percent(failing, "share", "40"), _percent(failing, "worth", "50")
    if not 1 <= len(assets) <= MOST_ASSETS:
        top.complain("asset", f"{len(assets)} assets; write 1 to {MOST_ASSETS} tables [[asset]]")
    elif sum(asset.share for asset in assets) != WHOLE:
        whole = sum(asset.share for asset in assets)
        top.complain("asset", f"the shares add up to {percent_text(whole)} %, not to 100 %")
    for table in (bank, failing, top):
        table.close()
    if mistakes.found:
        raise LabError("\n".join(str(each) for each in mistakes.found))
    return Reserve(assets, opens, closes, share, worth, is_invented)


def _asset(table: Table) -> Asset:
    kind = table.one_of("kind", KINDS)
    share = _percent(table, "share")
    haircut = settles = 0
    if kind == "bill":
        haircut, settles = _percent(table, "haircut", "0"), _whole(table, "settles", 1, 0, MOST_SETTLING_DAYS)
        if haircut == WHOLE:
            table.complain("haircut", "a sale that loses everything brings nothing; leave the asset out")
    table.close()
    return Asset(kind, share, haircut, settles)


def _whole(table: Table, key: str, default: int, least: int, most: int) -> int:
    number = table.take(key, int, default)
    if number is None or isinstance(number, bool):
        return default
    if not least <= number <= most:
        table.complain(key, f"{number!s:.20} is not one of {least} to {most}")
        return default
    return number


def _percent(table: Table, key: str, default: str | None = None) -> int:
    found = percent(table.text(key, default))
    if found is None:
        table.complain(key, 'is no percentage; write it in quotes, such as "12.5", from "0" to "100"')
        return 0
    return found


def percent(text: str) -> int | None:
    """Return the hundredths of a percent written in *text*, 0 to 10,000; None when it is no percentage."""
    match = _PERCENT.fullmatch(text) if text.isascii() else None
    if match is None:
        return None
    found = int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0"))
    return found if found <= WHOLE else None


def percent_text(hundredths: int) -> str:
    """Return hundredths of a percent as a percentage: 1250 is `12.5`."""
    return f"{hundredths / 100:.2f}".rstrip("0").rstrip(".")
