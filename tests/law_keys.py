"""An office whose issuer and supervisor have keys, and what they sign."""

from __future__ import annotations

from pathlib import Path

from jiaozi.commands.law_document import first_hash
from jiaozi.commands.law_enact import prepared
from jiaozi.proof import keys
from tests.ledger.test_shadow import cap
from tests.server.offices import issue
from tests.world import World, found

NAMES = {"issuer": "jiaozi.example/issuer", "supervisor": "jiaozi.example/supervisor"}


def keyed(folder: Path) -> World:
    """Found an office in *folder* whose issuer and supervisor have keys, and whose Li has money."""
    world = found(folder)
    for role in NAMES:
        world.office.signer(role)
    issue(world, "Li", 6_000_00, "first")
    return world


def signers(world: World) -> list[keys.Signer]:
    return [world.office.signer(role) for role in NAMES]


def words(world: World, file: Path, *roles: str) -> list[str]:
    """Return the command line that enacts *file* with the keys of *roles*."""
    given = ["law", "enact", str(file), "--folder", str(world.office.folder)]
    for role in roles:
        given += ["--key-file", str(world.office.folder / "keys" / f"{role}.pem"), "--name", NAMES[role]]
    return given


def written(folder: Path, yuan: int, day: str) -> Path:
    path = folder / "lower-cap.toml"
    path.write_text(cap(yuan, day), encoding="utf-8")
    return path


def ready(
    world: World,
    day: str = "2026-12-20",
    role: str = "supervisor",
    *,
    name: str = "lower-cap",
    text: str = "",
    signer: keys.Signer | None = None,
) -> str:
    """Return what *role*, or a *signer*, has prepared and signed."""
    return prepared(
        world.office.book,
        name,
        text or cap(1_000, day),
        signer or world.office.signer(role),
        world.office.clock(),
        office=first_hash(world.office.folder / "journal"),
    )
