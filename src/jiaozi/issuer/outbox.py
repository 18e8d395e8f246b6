"""The outbox: payment orders for the bank, each there once, whatever dies in between.

    1  the order is written to a file whose name ends in `.part`, and flushed
    2  the tables note, in one step, that the bank has these redemptions
    3  the file gets its name: from here on the bank may fetch it

Whoever comes after a crash looks for `.part` files. One that the tables know gets its
name; one that they do not know goes, for its redemptions still wait. So no redemption is
noted as ordered without its order being sent, and none is in two orders.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

from jiaozi.errors import OrderError
from jiaozi.issuer.store import Redemption, Store
from jiaozi.ledger.journal.segments import make_folder, sync_file, sync_folder

SUFFIX = ".pain001.xml"
PART = SUFFIX + ".part"

# One office writes an outbox. Of two requests at once in it, the second must not take the first one's
# `.part` file for what a crash left.
_one_at_a_time = threading.Lock()


def finish(store: Store, outbox: Path) -> list[Path]:
    """Send the payment orders that a crash left unsent; return them. Drop those that nothing was noted of."""
    with _one_at_a_time:
        return _finish(store, outbox)


def path_of(outbox: Path, message_id: str) -> Path:
    """Return where the payment order *message_id* lies until the bank has fetched it."""
    return outbox / f"{message_id}{SUFFIX}"


def send(store: Store, outbox: Path, message_id: str, content: bytes, paid: Sequence[Redemption]) -> Path:
    """Put *content*, the order that pays *paid*, into *outbox*, and note that the bank has it; return its path.

    Raises `OrderError` when there is an order *message_id* already, or one of *paid* is in another, and
    `OSError` when the disk fails or is full; nothing is noted and nothing sent then.
    """
    path, part = path_of(outbox, message_id), outbox / f"{message_id}{PART}"
    with _one_at_a_time:
        make_folder(outbox)
        _finish(store, outbox)
        if store.redemptions(message_id=message_id) or path.exists():
            raise OrderError(f"there is a payment order {message_id} already; give this one another name")
        try:
            _write(part, content)
            store.ordered([redemption.reference for redemption in paid], message_id)
        except Exception:
            _finish(store, outbox)  # the tables say whether it was noted, whatever went wrong on the way
            raise
        _give_its_name(part)
    return path


def _finish(store: Store, outbox: Path) -> list[Path]:
    if not outbox.is_dir():
        return []
    sent = []
    for part in sorted(outbox.glob(f"*{PART}")):
        if store.redemptions(message_id=part.name.removesuffix(PART)):
            sent.append(_give_its_name(part))
        else:
            part.unlink()
    return sent


def _give_its_name(part: Path) -> Path:
    path = part.replace(part.with_name(part.name.removesuffix(".part")))
    sync_folder(part.parent)
    return path


def _write(path: Path, content: bytes) -> None:
    """Write *content* to *path*; it and its name are durable on return."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(file, left) :]
        sync_file(file)
    finally:
        os.close(file)
    sync_folder(path.parent)
