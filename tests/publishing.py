"""An office as `publish` reads it, and a look at what came out."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from tests.proof.evenings import evenings, named
from tests.proof.proof_vectors import ISSUER, SUPERVISOR, signer_of

FOUR = evenings(4)
WITNESS = signer_of("witness.example")
PAGES = ("index", "disclosure", "checkpoints/index")


def office_of(folder: Path, notes: list[str]) -> Path:
    """Lay out what `publish` reads of an office: notes beside private files, and two keys."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "keys").mkdir(mode=0o700)
    for name, note in named(notes):
        (folder / "checkpoints" / name).write_text(note, "utf-8")
    (folder / "checkpoints" / "eyuan-000004.balances.npy").write_bytes(b"private")
    (folder / "checkpoints" / "eyuan-000005.checkpoint.part").write_bytes(b"half a note")
    for role, signer in (("issuer", ISSUER), ("supervisor", SUPERVISOR)):
        key = folder / "keys" / f"{role}.pem"
        key.write_text(signer.private_key.private_bytes_raw().hex(), "utf-8")
        key.chmod(0o600)
    return folder


def content(site: Path) -> dict[str, bytes]:
    return {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def page(site: Path, name: str, language: str = "en") -> str:
    return (site / f"{name}{'' if language == 'en' else '.zh'}.html").read_text("utf-8")


class Links(HTMLParser):
    """Collects what a page points at, and what it is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
