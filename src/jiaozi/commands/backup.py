"""`jiaozi backup` and `jiaozi restore`: an office copied while it works, and put back whole."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from jiaozi.clock import system_clock
from jiaozi.ledger.backup import back_up, restore


def run(given: argparse.Namespace) -> int:
    """Return 0 when it is done; errors say what is broken and leave nothing half done."""
    return _restore(given) if given.command == "restore" else _back_up(given)


def _back_up(given: argparse.Namespace) -> int:
    folder, to = Path(given.folder), Path(given.to)
    if not any((folder / "journal").glob("*.jzj")):
        print(f"jiaozi: no office in {folder}: it has no journal", file=sys.stderr)
        return 2
    kept = back_up(folder, to, made=system_clock(), with_keys=given.with_keys)
    manifest = kept.manifest
    if given.json:
        answer = {
            "ok": True,
            "frames": manifest.frames,
            "head": manifest.head_hash,
            "files": len(manifest.files),
            "bytes": manifest.bytes,
            "copied_files": kept.copied_files,
            "copied_bytes": kept.copied_bytes,
            "left_out": list(kept.left_out),
        }
        print(json.dumps(answer, ensure_ascii=False, indent=2))
        return 0
    print(f"backed up to frame {manifest.frames:,}: {len(manifest.files)} files, {manifest.bytes:,} bytes")
    print(f"copied now: {kept.copied_files} files, {kept.copied_bytes:,} bytes")
    print(f"head {manifest.head_hash}")
    for name in kept.left_out:
        hint = "; keep them elsewhere, or back up with --with-keys" if name == "keys/" else ""
        print(f"not in the backup: {name}{hint}")
    return 0


def _restore(given: argparse.Namespace) -> int:
    manifest = restore(Path(given.backup), Path(given.folder))
    if given.json:
        answer = {
            "ok": True,
            "made": manifest.made,
            "frames": manifest.frames,
            "head": manifest.head_hash,
            "files": len(manifest.files),
            "bytes": manifest.bytes,
        }
        print(json.dumps(answer, indent=2))
        return 0
    print(
        f"restored to frame {manifest.frames:,}: {len(manifest.files)} files, {manifest.bytes:,} bytes, "
        f"backed up {manifest.made}; every frame was checked"
    )
    print(f"head {manifest.head_hash}")
    if not any(each.name.startswith("keys/") for each in manifest.files):
        print("the backup holds no keys: put yours into keys/ before you open the office")
    return 0
