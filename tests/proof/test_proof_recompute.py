"""The recomputation: every line that follows from the balances, equal or not, and who may sign."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jiaozi.errors import ProofError
from jiaozi.money import Fen
from jiaozi.proof import checkpoint, plain
from jiaozi.proof.auditing.held import held
from jiaozi.proof.auditing.recompute import (
    Recomputation,
    countersign,
    load_balances,
    load_secret,
    read_note,
    recompute,
)
from tests.proof.proof_vectors import ISSUER, KEYS, MASTER, signer_of
from tests.proof.sampled import BALANCES, NOTE, TREE

STATED = checkpoint.parse(NOTE)
SOMEBODY = signer_of("second.example")


def found(stated: checkpoint.Checkpoint = STATED, **changes: Any) -> Recomputation:
    given = {"balances": BALANCES, "master": MASTER, "percent": None} | changes
    return recompute(stated, given["balances"], given["master"], percent=given["percent"], executor=plain)


def unequal(found: Recomputation) -> list[str]:
    return [line.name for line in found.lines if not line.is_equal]


def test_an_honest_checkpoint_is_equal_in_every_line() -> None:
    assert unequal(found()) == []
    assert found().is_equal
    assert found(percent=10).is_equal


def test_each_lie_is_found_in_its_line() -> None:
    assert unequal(found(replace(STATED, total_fen=Fen(1)))) == ["total"]
    assert unequal(found(replace(STATED, accounts=12_999))) == ["accounts"]
    assert unequal(found(replace(STATED, wholesale=12))) == ["wholesale accounts"]
    assert unequal(found(replace(STATED, root=bytes(32)))) == ["root"]
    assert unequal(found(replace(STATED, depth=3))) == ["depth"]
    assert unequal(found(master=bytes(32))) == ["root"]


def test_a_balance_left_out_or_moved_changes_the_root() -> None:
    moved = BALANCES.copy()
    moved[1] += 1
    moved[5] -= 1
    assert unequal(found(balances=moved)) == ["root"]
    moved[5] += 1
    assert unequal(found(balances=moved)) == ["total", "root"]


def test_a_supervisor_who_has_set_another_share_finds_it() -> None:
    assert "share of a bucket" in unequal(found(percent=30))


def test_an_account_that_no_dealing_hides_is_named() -> None:
    balances = BALANCES.copy()
    balances[1_001] = 10**12
    assert found(balances=balances).unmet.tolist() == [1_001]


def test_it_tells_its_steps_and_can_be_stopped() -> None:
    steps: dict[str, int] = {}

    def step(name: str) -> Any:
        steps[name] = 0

        def done(accounts: int) -> None:
            steps[name] += accounts

        return done

    recompute(STATED, BALANCES, MASTER, executor=plain, step=step)
    assert list(steps) == ["wholesale accounts", "the tree"]
    assert steps["the tree"] >= 13_000
    with pytest.raises(ProofError, match="stopped"):
        recompute(STATED, BALANCES, MASTER, executor=plain, stop=lambda: True)


@pytest.mark.parametrize("kind", [np.int64, np.uint64])
def test_balances_are_mapped_and_give_the_same(tmp_path: Path, kind: Any) -> None:
    np.save(tmp_path / "balances.npy", BALANCES.astype(kind))
    loaded = load_balances(tmp_path / "balances.npy")
    assert isinstance(loaded, np.memmap)
    assert found(balances=loaded).is_equal


def test_no_accounts_are_a_row_too(tmp_path: Path) -> None:
    np.save(tmp_path / "balances.npy", np.zeros(0, dtype=np.int64))
    assert len(load_balances(tmp_path / "balances.npy")) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros(3, dtype=np.int32),
        np.zeros(3, dtype=np.float64),
        np.zeros((3, 1), dtype=np.int64),
        np.zeros(3, dtype=">i8"),
        np.int64(3),
        np.array(["1"]),
        np.zeros(3, dtype=[("a", "i8")]),
    ],
)
def test_an_array_that_is_no_row_of_balances_is_refused(tmp_path: Path, wrong: Any) -> None:
    np.save(tmp_path / "balances.npy", wrong)
    with pytest.raises(ProofError, match="one row of int64 or uint64"):
        load_balances(tmp_path / "balances.npy")


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("unpickled"),))


def test_a_broken_file_and_one_that_would_run_code_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "balances.npy"
    np.save(path, np.array([Bomb()], dtype=object), allow_pickle=True)
    whole = path.read_bytes()
    np.save(path, BALANCES)
    good = path.read_bytes()
    np.savez(tmp_path / "several.npz", BALANCES)
    several = (tmp_path / "several.npz").read_bytes()
    wrongs = [
        b"",
        b"\x93NUMPY",
        good[:-1],
        good[:100],
        good[:8],
        whole,
        pickle.dumps(Bomb()),
        several,
        b"x" * 500,
    ]
    wrongs.append(b"\x93NUMPY\x01\x00\xff\xff" + b"{" * 70_000)
    wrongs.append(
        good.replace(b"(13000,)", b"(1" + b"0" * 5 + b",)").replace(b"(100000,)", b"(10000000000000000000,)")
    )
    for wrong in wrongs:
        path.write_bytes(wrong)
        with pytest.raises(ProofError, match=r"balances\.npy"):
            load_balances(path)
    assert not (tmp_path / "unpickled").exists()


def secret(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_a_secret_is_32_bytes_or_hex_and_nobody_elses_to_read(tmp_path: Path) -> None:
    assert load_secret(secret(tmp_path / "raw", MASTER)) == MASTER
    assert load_secret(secret(tmp_path / "hex", MASTER.hex().encode() + b"\n")) == MASTER
    for wrong in (b"", MASTER[:31], MASTER + b"\n", MASTER.hex().upper().encode(), b"0" * 10_000):
        with pytest.raises(ProofError, match="neither 32 bytes nor 64"):
            load_secret(secret(tmp_path / "wrong", wrong))
    with pytest.raises(ProofError, match="chmod 600"):
        load_secret(secret(tmp_path / "open", MASTER, 0o644))


def test_a_note_is_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "a.checkpoint"
    for wrong in (b"", b"\xff\xfe", NOTE.encode() * 100, b"x" * 70_000, NOTE.encode()[:-1]):
        path.write_bytes(wrong)
        with pytest.raises(ProofError):
            read_note(path)
    path.write_bytes(NOTE.encode())
    assert read_note(path) == NOTE


def test_a_signature_is_added_to_what_the_file_has_by_then(tmp_path: Path) -> None:
    path = tmp_path / "a.checkpoint"
    path.write_text(NOTE, "utf-8")
    path.chmod(0o644)
    meanwhile = checkpoint.sign(NOTE, SOMEBODY.name, SOMEBODY.private_key)
    path.write_text(meanwhile, "utf-8")
    auditor = signer_of("third.example")
    note = countersign(path, auditor, compared=NOTE)
    assert path.read_text("utf-8") == note
    assert path.stat().st_mode & 0o777 == 0o644
    everybody = [*KEYS, SOMEBODY.verifier_key, auditor.verifier_key]
    assert len(checkpoint.verify_signatures(note, everybody)) == 4
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_of_many_who_sign_at_once_nobodys_signature_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.checkpoint"
    path.write_text(NOTE, "utf-8")
    everybody = [signer_of(f"witness-{number}.example") for number in range(12)]
    with ThreadPoolExecutor(len(everybody)) as pool:
        list(pool.map(lambda signer: countersign(path, signer, compared=NOTE), everybody))
    keys = [*KEYS, *(signer.verifier_key for signer in everybody)]
    assert len(checkpoint.verify_signatures(path.read_text("utf-8"), keys)) == 14
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_who_signs_waits_for_another_program_that_signs(tmp_path: Path) -> None:
    path = tmp_path / "a.checkpoint"
    path.write_text(NOTE, "utf-8")
    with ThreadPoolExecutor(1) as pool:
        with held(path):
            waiting = pool.submit(countersign, path, SOMEBODY, compared=NOTE)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
            assert path.read_text("utf-8") == NOTE
        assert SOMEBODY.name in waiting.result(timeout=60)


def test_nobody_signs_twice_and_nobody_signs_what_was_not_compared(tmp_path: Path) -> None:
    path = tmp_path / "a.checkpoint"
    path.write_text(NOTE, "utf-8")
    with pytest.raises(ProofError, match="already"):
        countersign(path, ISSUER, compared=NOTE)
    path.write_text(NOTE.replace("epoch 7", "epoch 8"), "utf-8")
    with pytest.raises(ProofError, match="was changed"):
        countersign(path, SOMEBODY, compared=NOTE)
    assert "second.example" not in path.read_text("utf-8")


def test_the_tree_of_these_tests_has_both_kinds_of_buckets() -> None:
    assert (TREE.places.ordinary_buckets, TREE.places.wholesale_buckets, STATED.wholesale) == (4, 1, 13)
