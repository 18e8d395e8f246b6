"""`jiaozi verify`: the stand-alone verifier, called from here; there is only one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from jiaozi.proof import verify_jiaozi
from jiaozi.proof.verify_jiaozi import UNREADABLE, Answer

MOST_LETTERS = 100
"""What is read of a balance that comes from the input."""


def run(given: argparse.Namespace) -> int:
    """Return the verifier's own code: 0 holds, 1 does not, 2 cannot be read, 3 not decided without a key."""
    if given.silent is not None:
        return _silent(given)
    asked = given.proof, given.account, given.balance, given.key_file
    if asked[0] is None or asked[1:] != (None, None, None):
        print("jiaozi: name a proof file; or --silent with --account, --balance, --key-file", file=sys.stderr)
        return UNREADABLE
    return verify_jiaozi.main(_arguments(given))


def _silent(given: argparse.Namespace) -> int:
    from jiaozi.errors import AmountError, FactError, ProofError
    from jiaozi.ledger.numbers import account_from_text
    from jiaozi.money import fen_from_text
    from jiaozi.proof import silent
    from jiaozi.proof.auditing.recompute import load_secret

    if given.proof is not None or None in (given.account, given.balance, given.key_file):
        message = "--silent needs --account, --balance and --key-file, and no proof file"
        print(f"jiaozi: {message}", file=sys.stderr)
        return UNREADABLE
    try:
        balance = sys.stdin.readline(MOST_LETTERS).strip() if given.balance == "-" else given.balance
        account, balance_fen = account_from_text(given.account), fen_from_text(balance)
        key = load_secret(Path(given.key_file))
    except (AmountError, FactError, ProofError) as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return UNREADABLE
    with Path(given.silent).open("rb") as file:
        text = file.read(silent.SIZE_LIMIT + 1)
    answer = silent.check(text, given.key, account=account, key=key, balance_fen=balance_fen)
    _tell(answer, as_json=given.json)
    return answer.status


def _tell(answer: Answer, *, as_json: bool) -> None:
    """Print *answer* as the verifier does."""
    if as_json:
        print(json.dumps(answer._asdict(), indent=2))
        return
    width = max((len(label) for label, _ in answer.ladder), default=0)
    print(answer.sentence)
    for label, value in answer.ladder:
        print(f"  {label:{width}}  {value}")
    if answer.not_proven:
        print("Not proven:", *(f"  - {line}" for line in answer.not_proven), sep="\n")


def _arguments(given: argparse.Namespace) -> list[str]:
    keys = [word for key in given.key for word in ("--key", key)]
    return [given.proof, *keys, *(["--json"] if given.json else [])]
