"""`jiaozi prove`: what the issuer hands out for checking; who looks at it stands in the files beside."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from jiaozi.commands import prove_check, prove_evening, prove_recompute
from jiaozi.commands.prove_given import bar, sample_given
from jiaozi.commands.words import NotUnderstood
from jiaozi.errors import FactError, ProofError
from jiaozi.ledger.numbers import account_from_text, account_text
from jiaozi.proof import plain, silent
from jiaozi.proof.auditing import openings, sampling
from jiaozi.proof.auditing.recompute import load_balances, load_secret
from jiaozi.report.evenings import Evenings, Kept


def run(given: argparse.Namespace) -> int:
    """Return 0 done or equal, 1 no, 2 not understood or not readable, 3 not decided without a key."""
    verbs = {"bucket": _bucket, "key": _key, "open": _open}
    verbs |= {"audit": prove_check.audit, "recompute": prove_recompute.recompute}
    verbs |= {"evening": prove_evening.evening, "proof": prove_evening.proof}
    try:
        return verbs[given.verb](given)
    except (FactError, NotUnderstood) as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return 2


def _bucket(given: argparse.Namespace) -> int:
    note, made = _made(given)
    if given.account is None:
        number = _whole(given.bucket, "N")
    else:
        number = made.tree.places.seat(made.tree.position(account_from_text(given.account)))[0]
    sys.stdout.write(silent.bucket_file_text(made.tree, made.balances, number, note))
    return 0


def _key(given: argparse.Namespace) -> int:
    account = account_from_text(given.account)
    _need_open(Path(given.folder) / "checkpoints", account)
    key = plain.account_key(load_secret(Path(given.folder) / "keys" / "master.key"), account).hex()
    print(
        f"This is the secret of account {account_text(account)}. Hand it to its holder and to nobody else: "
        "with it and a published bucket file one can try out balances.",
        file=sys.stderr,
    )
    print(json.dumps({"account": str(account), "key": key}) if given.json else key)
    return 0


def _need_open(folder: Path, account: int) -> None:
    """Raise `ProofError` unless *account* was open when an evening was closed last, of any coin in *folder*."""
    evenings = Evenings(folder, lambda: b"")
    lengths = []
    for coin in _coins(folder, None):
        path = evenings.path(coin, _which(folder, coin, None)[1], "balances.npy")
        if path.exists():
            lengths.append(len(load_balances(path)))
    if account >= max(lengths, default=0):
        raise ProofError(
            f"account {account_text(account)} was not open at the newest checkpoint; "
            "close an evening after it was opened, and ask again"
        )


def _open(given: argparse.Namespace) -> int:
    share, confidence = sample_given(given)
    to = Path(given.to)
    if to.exists() and any(to.iterdir()):
        print(f"jiaozi: {to} is not empty; openings have a folder of their own", file=sys.stderr)
        return 2
    note, made = _made(given)
    drawn = sampling.draw(note, given.random, sampling.sample_size(share, confidence))
    to.mkdir(mode=0o700, parents=True, exist_ok=True)
    to.chmod(0o700)
    with bar(given, "opening", len(drawn)) as done:
        for number in drawn:
            path = to / openings.file_name(number)
            path.touch(mode=0o600)
            path.write_text(openings.opening_text(made.tree, made.balances, number, note), "utf-8")
            done(1)
    ordinary = sum(number < made.tree.places.ordinary_buckets for number in drawn)
    caught = sampling.chance(made.tree.places.ordinary_buckets, share, ordinary)
    if given.json:
        told = {"folder": str(to), "buckets": [str(number) for number in drawn], "chance": str(caught)}
        print(json.dumps(told, indent=2))
        return 0
    print(f"{len(drawn):,} buckets of {made.tree.places.buckets:,} written to {to}")
    print(
        f"If {sampling.percent_text(share)} % of the buckets lie, one is among them with probability {caught}; "
        "how much of the total they hold, the draw does not say: `jiaozi prove recompute` names the heaviest."
    )
    print("These files show balances. Give them to the auditor alone; never publish them.")
    return 0


def _made(given: argparse.Namespace) -> tuple[str, Kept]:
    """Return the note that was asked for, and what is kept of its evening. Raises `ProofError`."""
    folder = Path(given.folder)
    coin, epoch = _which(folder / "checkpoints", given.coin, given.epoch)
    evenings = Evenings(folder / "checkpoints", lambda: load_secret(folder / "keys" / "master.key"))
    return evenings.note(coin, epoch), evenings.open(coin, epoch)


def _which(folder: Path, coin: str | None, epoch: str | None) -> tuple[str, int]:
    """Return *coin* and *epoch* of a note in *folder*: the only coin and the newest epoch if none is named."""
    found = _found(folder, coin)
    coins = _coins(folder, coin)
    if len(coins) > 1:
        raise NotUnderstood(
            f"{folder} has several coins; choose one: {', '.join(f'--coin {each}' for each in coins)}"
        )
    newest = max(number for _, number in found)
    number = newest if epoch is None else _whole(epoch, "--epoch")
    if (coins[0], number) not in found:
        raise NotUnderstood(f"no checkpoint {number} of {coins[0]} in {folder}; the newest is {newest}")
    return coins[0], number


def _coins(folder: Path, coin: str | None) -> list[str]:
    coins = sorted({name for name, _ in _found(folder, coin)})
    if not coins:
        raise NotUnderstood(
            f"no checkpoint{f' of {coin}' if coin else ''} in {folder}; close an evening first"
        )
    return coins


def _found(folder: Path, coin: str | None) -> set[tuple[str, int]]:
    """Return coin and epoch of every note in *folder*, or of those of one *coin*."""
    names = [
        re.fullmatch(r"(.+)-([0-9]{6,10})", path.stem)
        for path in (folder.glob("*.checkpoint") if folder.is_dir() else ())
    ]
    return {(name[1], int(name[2])) for name in names if name and coin in (None, name[1])}


def _whole(text: str, name: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise NotUnderstood(f"{name} {text[:40]!a} is no whole number")
    return int(text)
