"""Files for the browser, kept in memory and named by their digest, so that they may be cached for ever."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jiaozi.report.reform.pages import STYLE

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOLDER = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, what they are, and the start of their SHA-256."""

    name: str
    content: bytes
    media_type: str
    digest: str

    @property
    def url(self) -> str:
        return f"/static/{self.digest}/{self.name}"


@cache
def assets() -> dict[str, Asset]:
    """Return every file by its name. What is not in this table is not served, whatever a path says."""
    found = {}
    for path in [*sorted(FOLDER.iterdir()), STYLE]:
        if path.suffix in TYPES:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:16]
            found[path.name] = Asset(path.name, content, TYPES[path.suffix], digest)
    return found


def asset_url(name: str) -> str:
    """Return where the browser finds *name*."""
    return assets()[name].url
