"""The proof file: one line of JSON that a holder keeps, sends or lays before a court.

Every number is a string of digits, because a JavaScript number stops being exact
at 2^53; every hash is lower-case hex. There is one order of keys and no blank, so
two programs write the same bytes. Left and right are not in it: they follow from
the account number.
"""

from __future__ import annotations

import json

from jiaozi.errors import ProofError
from jiaozi.proof import verify_jiaozi
from jiaozi.proof.tree import Path
from jiaozi.proof.verify_jiaozi import StepError


def proof_text(path: Path, *, note: str) -> str:
    """Return the proof file of *path* under the signed checkpoint *note*.

    Raises `ProofError` if the path does not lead to the root and the total of
    that checkpoint, so that no holder is alarmed by a file put together wrongly.
    """
    proof = {
        "format": verify_jiaozi.PROOF["format"],
        "checkpoint": note,
        "account": str(path.account),
        "position": str(path.position),
        "balance": str(path.balance_fen),
        "nonce": path.nonce.hex(),
        "bucket_sum": str(path.bucket_sum_fen),
        "inside": [[sibling.hex() for sibling in row] for row in path.inside],
        "above": [
            [{"sum": str(node.sum_fen), "hash": node.hash.hex()} for node in row] for row in path.above
        ],
    }
    text = json.dumps(proof, ensure_ascii=False, separators=(",", ":")) + "\n"
    try:
        verify_jiaozi.climb(verify_jiaozi.read_proof(text), verify_jiaozi.read_note(note)[1])
    except StepError as step:
        raise ProofError(step.args[0]) from None
    return text
