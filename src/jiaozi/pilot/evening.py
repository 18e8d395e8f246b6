"""Steps 8 and 9: the proof of backing, then stopping and starting again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from jiaozi.bank import EXAMPLES
from jiaozi.clock import Clock
from jiaozi.ledger.numbers import account_text
from jiaozi.money import format_fen
from jiaozi.office import Office
from jiaozi.pilot import cast
from jiaozi.pilot.crowd import Crowd
from jiaozi.pilot.tell import Teller
from jiaozi.pilot.trickle import Trickle
from jiaozi.proof import verify_jiaozi

PAYING_A_SECOND = 50
"""Batches posted while the evening's cut is taken."""


def close(office: Office, teller: Teller, people: Crowd, holder: int) -> None:
    """Step 8. Take in the bank's evening statement, cut while payments run, sign, and let the verifier check."""
    teller.step("Evening")
    taken = office.take_statement(EXAMPLES / "2026-12-15-evening.camt053.xml", cast.COIN)
    for entry in taken.with_status("paid out"):
        teller.say(f"The bank's evening statement shows the payout of {entry.reference}.")
    with Trickle(office, people, a_second=PAYING_A_SECOND), teller.timed("evening_seconds"):
        evening = office.close_day(cast.COIN)
    teller.say(f"The cut was taken behind frame {evening.cut.head.sequence:,} while payments ran.")
    seen, sheet = evening.cut.overview, evening.cut.overview.sheet
    assert sheet is not None
    teller.say(
        f"Issued {_yuan(seen.issued)} - redeemed {_yuan(seen.redeemed)} = outstanding {_yuan(seen.outstanding)}"
    )
    teller.say(f"  = sum of {seen.holders:,} balances {_yuan(seen.balance_sum)}")
    teller.say(
        f"Reserve {_yuan(sheet.reserve)} = coins + unmatched {_yuan(sheet.unmatched)} "
        f"+ owed {_yuan(sheet.client_money + sheet.redemptions)}; reserve >= coins: {seen.is_backed}"
    )
    teller.say(
        f"Checkpoint {evening.tree.epoch} over {evening.tree.accounts:,} accounts, signed by issuer and supervisor:"
    )
    teller.say(f"  root {evening.tree.root.hex()}")
    teller.say(f"  {evening.note_path}")

    proof = office.folder / "checkpoints" / f"proof-{holder}.json"
    tampered = proof.with_name(f"tampered-{holder}.json")
    for path in (proof, tampered):
        path.touch(mode=0o600)  # a holder's balance is in it
    proof.write_text(office.proof(cast.COIN, holder), encoding="utf-8")
    balance = int(evening.cut.balances[holder])
    tampered.write_text(
        proof.read_text("utf-8").replace(f'"balance":"{balance}"', f'"balance":"{balance + 1}"'), "utf-8"
    )
    keys = [office.signer(role).verifier_key for role in ("issuer", "supervisor")]
    answers = {path.name: _verify(path, keys) for path in (proof, tampered)}
    teller.say(
        f"The stand-alone verifier, one file of plain Python, on the proof of account {account_text(holder)}:"
    )
    for name, (status, sentence) in answers.items():
        teller.say(f"  {name}: {sentence} (exit {status})")
    teller.figure("proof_bytes", proof.stat().st_size)
    teller.figure("outstanding_fen", seen.outstanding)
    teller.figure("reserve_fen", sheet.reserve)
    teller.figure("proof_holds", answers[proof.name][0] == 0)
    teller.figure("tampered_refused", answers[tampered.name][0] == 1)


def stop_and_start(office: Office, teller: Teller, clock: Clock) -> Office:
    """Step 9. Close, open again by replaying the journal, and compare digests; return the office opened again."""
    teller.step("Stop and start")
    before = office.ledger.state.digest()
    frames = office.ledger.sequence
    office.close()
    with teller.bar("replaying the journal", frames) as done, teller.timed("reopen_seconds"):
        opened = Office.open(office.folder, clock=clock, progress=lambda *_: done(1))
    after = opened.ledger.state.digest()
    teller.say(f"{frames:,} frames of the journal replayed in {teller.figures['reopen_seconds']:.2f} s.")
    teller.say(f"  digest before {before}")
    teller.say(f"  digest after  {after}   {'the same' if before == after else 'NOT THE SAME'}")
    teller.figure("digest", after)
    teller.figure("digest_is_same", before == after)
    return opened


def _verify(path: Path, keys: list[str]) -> tuple[int, str]:
    """Run the verifier as a holder would: a process of its own, without this package."""
    command = [sys.executable, "-I", "-S", verify_jiaozi.__file__, str(path)]
    for key in keys:
        command += ["--key", key]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout or done.stderr).splitlines()[0]


def _yuan(fen: int) -> str:
    return format_fen(fen, "CNY")
