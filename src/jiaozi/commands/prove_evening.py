"""`jiaozi prove evening|proof`: the issuer closes the day, and hands a holder his proof."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from jiaozi.commands.prove_given import bar
from jiaozi.commands.words import NotUnderstood
from jiaozi.ledger.numbers import account_from_text, account_text
from jiaozi.money import format_fen
from jiaozi.office import Office

ROLES = ("issuer", "supervisor")


def evening(given: argparse.Namespace) -> int:
    """Return 0 when the checkpoint was signed. Raises `ProofError` when nothing may be stated."""
    roles = given.sign_as or ["issuer"]
    share = _percent(given.share)
    if not (Path(given.folder) / "journal").is_dir():
        raise NotUnderstood(f"{given.folder} is no office; it has no journal")
    with Office.open(Path(given.folder)) as office:
        coin = _coin(office, given.coin)
        with bar(given, "the tree", office.ledger.state.account_count) as done:
            closed = office.close_day(coin, roles=roles, share_percent=share, progress=done)
    stated = closed.cut.overview
    if given.json:
        told = {
            "coin": coin,
            "epoch": closed.tree.epoch,
            "total_fen": str(closed.tree.total_fen),
            "reserve_fen": str(stated.reserve),
            "root": closed.tree.root.hex(),
            "checkpoint": str(closed.note_path),
            "signed_as": list(roles),
            "standing_out": [str(account) for account in closed.standing_out.tolist()],
        }
        print(json.dumps(told, indent=2))
        return 0
    total = format_fen(closed.tree.total_fen, stated.peg)
    print(f"Checkpoint {closed.tree.epoch} of {coin}: {total} in {closed.tree.accounts:,} accounts.")
    print(f"  {closed.note_path}, signed as {' and '.join(roles)}")
    for account in closed.standing_out.tolist():
        print(f"  account {account_text(account)} has more than {share} % of any bucket: its sum tells of it")
    return 0


def proof(given: argparse.Namespace) -> int:
    """Return 0 after printing the proof file of an account under the newest checkpoint."""
    with Office.open(Path(given.folder)) as office:
        sys.stdout.write(office.proof(_coin(office, given.coin), account_from_text(given.account)))
    return 0


def _coin(office: Office, name: str | None) -> str:
    coins = sorted(office.ledger.state.register.coins)
    if name is None and len(coins) == 1:
        return coins[0]
    if name not in coins:
        raise NotUnderstood(
            f"choose one: {', '.join(f'--coin {coin}' for coin in coins) or 'there is no coin'}"
        )
    return name


def _percent(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100:
        raise NotUnderstood(f"--share {text[:40]!a} is no whole percent from 1 to 100")
    return int(text)
