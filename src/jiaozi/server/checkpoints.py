"""The signed note of a coin, who signed it, and the verifier: for those who check."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from jiaozi.clock import instant_of
from jiaozi.errors import ProofError
from jiaozi.ledger.register import Coin
from jiaozi.office import Office
from jiaozi.proof import verify_jiaozi
from jiaozi.proof.checkpoint import parse
from jiaozi.server.console import console_of
from jiaozi.server.problem import Problem

ROLES = ("issuer", "supervisor")
EPOCHS_LISTED = 30
_POLICY = re.compile(rb'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')


@dataclass(frozen=True, slots=True)
class Key:
    """Who signs, and the line to check his signature with; or why it cannot be shown."""

    role: str
    verifier_key: str
    fault: str = ""


def first_checkpoint(request: Request) -> Response:
    """Lead to the checkpoint of the first coin."""
    console = console_of(request)
    if not console.coins:
        return console.page(request, "empty.html", here="checkpoints")
    return RedirectResponse(f"/checkpoints/{console.coins[0].id}", 303)


def checkpoint_page(request: Request) -> Response:
    """The latest note, as it was signed."""
    console = console_of(request)
    coin = console.coin(request.path_params["coin"])
    note = note_of(console.office, coin, coin.epoch) if coin.epoch else ""
    stated = parse(note) if note else None
    return console.page(
        request,
        "checkpoint.html",
        here="checkpoints",
        coin=coin,
        coins=console.coins,
        note=note,
        stated=stated,
        instant=instant_of(stated.instant) if stated else None,
        keys=keys_of(console.office),
        epochs=range(coin.epoch, max(0, coin.epoch - EPOCHS_LISTED), -1),
        site=str(request.base_url).rstrip("/"),
    )


def note_file(request: Request) -> Response:
    """One signed note, to keep."""
    console = console_of(request)
    coin = console.coin(request.path_params["coin"])
    epoch: int = request.path_params["epoch"]
    if not 0 < epoch <= coin.epoch:
        raise Problem(404, "no_epoch", epoch=str(epoch)[:20], coin=coin.id)
    name = f"{coin.id}-{epoch:06d}.checkpoint"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(note_of(console.office, coin, epoch), media_type="text/plain", headers=headers)


def verifier_file(_: Request) -> Response:
    """The stand-alone verifier, byte for byte as it is tested."""
    source = Path(verify_jiaozi.__file__).read_bytes()
    headers = {"content-disposition": 'attachment; filename="verify_jiaozi.py"'}
    return Response(source, media_type="text/x-python; charset=utf-8", headers=headers)


def verifier_page(_: Request) -> Response:
    """The verifier for a browser, byte for byte as it is tested, under its own policy: it may talk to nobody."""
    source = Path(verify_jiaozi.__file__).with_name("verify.html").read_bytes()
    policy = _POLICY.search(source)
    assert policy is not None, "verify.html has lost its policy"
    headers = {"content-security-policy": f"{policy[1].decode()}; frame-ancestors 'none'"}
    return Response(source, media_type="text/html", headers=headers)


def note_of(office: Office, coin: Coin, epoch: int) -> str:
    """Return the note of *epoch*. Raises `Problem` when its file is gone."""
    path = office.folder / "checkpoints" / f"{coin.id}-{epoch:06d}.checkpoint"
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        raise Problem(404, "note_gone", epoch=epoch) from None


def keys_of(office: Office) -> list[Key]:
    """Return the keys there are. Looking at a page makes none."""
    found = []
    for role in ROLES:
        if (office.folder / "keys" / f"{role}.pem").exists():
            try:
                found.append(Key(role, office.signer(role).verifier_key))
            except ProofError as error:
                found.append(Key(role, "", str(error)))
    return found
