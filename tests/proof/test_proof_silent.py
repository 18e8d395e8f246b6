"""The silent check: a wallet makes the same proof as the issuer, from a file without balances."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jiaozi.errors import ProofError
from jiaozi.proof import plain, verify_jiaozi
from jiaozi.proof.files import proof_text
from jiaozi.proof.silent import bucket_file_text, check, proof_from
from jiaozi.proof.tree import build
from jiaozi.proof.verify_jiaozi import FAILS, HOLDS, UNREADABLE, UNSIGNED
from tests.proof.proof_vectors import KEYS, MASTER, balances_of, checkpoint_of, signed
from tests.proof.sampled import BALANCES, DEALT, NOTE, TREE, key_of

FILES = {number: bucket_file_text(TREE, BALANCES, number, NOTE) for number in range(5)}


def proof_of(number: int, bucket: int | None = None, **changes: Any) -> str:
    given: dict[str, Any] = {
        "account": number,
        "key": key_of(number),
        "balance_fen": int(BALANCES[number]),
    } | changes
    return proof_from(FILES[number % 4 if bucket is None else bucket], **given)


@pytest.mark.parametrize("account", [1, 2, 3, 4, 12_999])
def test_the_wallet_makes_the_proof_that_the_issuer_would(account: int) -> None:
    assert proof_of(account) == proof_text(TREE.prove(BALANCES, account), note=NOTE)


@pytest.mark.parametrize("account", [0, 5_005, 12_012])
def test_a_wholesale_holder_finds_his_leaf_in_the_wholesale_bucket(account: int) -> None:
    assert account in DEALT.accounts
    text = proof_of(account, 4)
    assert text == proof_text(TREE.prove(BALANCES, account), note=NOTE)
    assert verify_jiaozi.check(text, KEYS).status == HOLDS
    with pytest.raises(
        ProofError, match="balance of 0; if it is a wholesale account, its balance is in bucket 4"
    ):
        proof_of(account)


def test_the_last_bucket_and_a_tree_of_one_bucket() -> None:
    balances = balances_of(10)
    tree = build(balances, master=MASTER, epoch=7, executor=plain)
    note = signed(checkpoint_of(tree))
    text = proof_from(
        bucket_file_text(tree, balances, 0, note), account=7, key=key_of(7), balance_fen=int(balances[7])
    )
    assert text == proof_text(tree.prove(balances, 7), note=note)
    left_out = balances.copy()
    left_out[7] = 0
    tree = build(left_out, master=MASTER, epoch=7, executor=plain)
    file = bucket_file_text(tree, left_out, 0, signed(checkpoint_of(tree)))
    answer = check(file, KEYS, account=7, key=key_of(7), balance_fen=int(balances[7]))
    assert answer.status == FAILS
    assert answer.sentence == "Does not hold: bucket 0 has your account with a balance of 0."


def test_another_balance_key_or_account_is_said_in_words() -> None:
    for changes in ({"balance_fen": 1}, {"key": key_of(2)}, {"account": 5}):
        with pytest.raises(
            ProofError, match="your leaf is not in the bucket: balance, key or account is another"
        ):
            proof_of(1, **changes)
    with pytest.raises(ProofError, match="not in wholesale bucket 4"):
        proof_of(1, 4)


def test_the_file_of_another_bucket_names_the_right_one() -> None:
    with pytest.raises(ProofError, match="account 1 is in bucket 1; this is the file of bucket 2"):
        proof_of(1, 2)


def test_the_answer_is_that_of_the_verifier() -> None:
    given: dict[str, Any] = {"account": 1, "key": key_of(1), "balance_fen": int(BALANCES[1])}
    assert check(FILES[1], KEYS, **given) == verify_jiaozi.check(proof_of(1), KEYS)
    assert check(FILES[1], **given).status == UNSIGNED
    assert check(FILES[1], KEYS, **given | {"balance_fen": 1}).status == FAILS
    assert check(FILES[2], KEYS, **given).status == UNREADABLE


def test_the_file_has_no_balance_no_nonce_and_no_key() -> None:
    file = json.loads(FILES[1])
    assert list(file) == ["format", "checkpoint", "bucket", "bucket_sum", "leaves", "above"]
    assert len(FILES[1]) < 180_000
    path = TREE.prove(BALANCES, 4_097)
    for secret in (path.nonce, key_of(4_097), MASTER):
        assert secret.hex() not in FILES[1]
    assert str(int(BALANCES[5_005])) not in FILES[4].replace(NOTE, "")


def changed(**changes: Any) -> str:
    return json.dumps(json.loads(FILES[1]) | changes, ensure_ascii=False, separators=(",", ":")) + "\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (" " * 600_000, "larger than 524,288 bytes"),
        ("[" * 500, "nested"),
        ("\ud800", "not one JSON object"),
        ("[]\n", "not one JSON object"),
        ("{}\n", "exactly the keys"),
        (FILES[1] + " ", "blanks"),
        (FILES[1] * 2, "not one JSON object"),
        (FILES[1].replace(":", ": ", 1), "blanks"),
        (changed(bucket=1), "bucket file.bucket is not"),
        (changed(bucket="99"), "bucket 99 is not one of the 5 buckets"),
        (changed(bucket_sum="-1"), "bucket_sum is not"),
        (changed(leaves="AAAA"), "leaves is not"),
        (changed(leaves="A" * 174_762 + "B="), "leaves is not the Base64"),
        (changed(leaves=["A"] * 10), "leaves is not"),
        (changed(above=None), "above is not"),
        (changed(above=[]), "does not have 2 steps"),
        (changed(bucket_sum="18446744073709551616"), "bucket_sum is not"),
        (changed(bucket_sum="5000000"), "lead to"),
        (changed(checkpoint="x"), "checkpoint"),
        (changed(more="1"), "exactly the keys"),
    ],
)
def test_a_hostile_file_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ProofError, match=words):
        proof_from(text, account=1, key=key_of(1), balance_fen=int(BALANCES[1]))


def test_a_changed_leaf_of_a_neighbour_does_not_lead_to_the_root() -> None:
    leaves = json.loads(FILES[1])["leaves"]
    with pytest.raises(ProofError, match="root"):
        proof_from(
            changed(leaves=leaves[:800] + ("B" if leaves[800] == "A" else "A") + leaves[801:]),
            account=1, key=key_of(1), balance_fen=int(BALANCES[1]),
        )  # fmt: skip


def test_wrong_values_of_the_holder_are_refused() -> None:
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"key": b"short"}, "32 bytes"),
        ({"balance_fen": -1}, "not an amount"),
        ({"balance_fen": 2**63}, "not an amount"),
        ({"account": 13_000}, "not one of the 13,000 accounts"),
        ({"account": -1}, "not one of"),
    ]
    for changes, words in wrongs:
        with pytest.raises(ProofError, match=words):
            proof_of(1, **changes)


def test_a_bucket_file_is_not_made_under_another_checkpoint_or_from_other_balances() -> None:
    with pytest.raises(ProofError, match="another tree"):
        bucket_file_text(TREE, BALANCES, 0, NOTE.replace("epoch 7", "epoch 8"))
    with pytest.raises(ProofError, match="not the balances"):
        bucket_file_text(TREE, BALANCES + 1, 0, NOTE)
    with pytest.raises(ProofError, match="bucket 5"):
        bucket_file_text(TREE, BALANCES, 5, NOTE)
