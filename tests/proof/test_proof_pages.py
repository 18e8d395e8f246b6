"""What the pages on proofs say is so: their commands run and their figures are ours."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from jiaozi.proof import verify_jiaozi
from jiaozi.proof.plain import EMPTY_HASH, account_key, leaf_of, nonce_of
from tests.proof.proof_vectors import MASTER, balances_of, read_all, tree_of

DOCS = Path(__file__).parents[2] / "docs"
FORMAT = (DOCS / "reference" / "proof-format.md").read_text(encoding="utf-8")
GUIDE = (DOCS / "guides" / "check-your-balance.md").read_text(encoding="utf-8")


def test_the_command_of_the_guide_prints_what_the_guide_shows(tmp_path: Path) -> None:
    shutil.copy(verify_jiaozi.__file__, tmp_path)
    (tmp_path / "proof.json").write_text(read_all()["good/two-levels"].proof, encoding="utf-8")
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", GUIDE, re.DOTALL))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = subprocess.run(
        ["sh", "-c", blocks["sh"]],
        cwd=tmp_path,
        env={"PATH": path},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert found.stdout == blocks["text"]


def test_the_example_of_the_format_page_has_our_bytes() -> None:
    few = balances_of(10)
    key = account_key(MASTER, 7)
    nonce = nonce_of(key, 7)
    leaf = leaf_of(epoch=7, account=7, balance_fen=int(few[7]), nonce=nonce)
    root, many_root = (
        tree_of(few).root,
        tree_of(balances_of(20_000)).root,
    )
    page = dict(re.findall(r"^    (\S.*?)  +([0-9a-f]{48,64})$", FORMAT, re.MULTILINE))
    assert page == {
        'H("JZE1")': EMPTY_HASH.hex(),
        "account key of 7": key.hex(),
        "nonce of 7": nonce.hex(),
        "leaf of 7": leaf.hex(),
        "root, total 5197284": root.hex(),
        "root, total 9998780576": many_root.hex(),
    }
    assert "0, 737719, 475435, 213152, 950871, 688587, 426304, 164020, 901740 and 639456 fen" in FORMAT
    assert few.tolist() == [0, 737719, 475435, 213152, 950871, 688587, 426304, 164020, 901740, 639456]
    many = [account * 2654435761 // 128 % 1000003 for account in range(20_000)]
    assert np.array_equal(balances_of(20_000), many)


def test_the_format_page_names_every_line_and_every_key() -> None:
    for name in (*list(verify_jiaozi.CHECKPOINT)[1:], *verify_jiaozi.PROOF):
        assert f"| `{name}` |" in FORMAT, name


def test_the_format_page_gives_the_sizes_that_proofs_have() -> None:
    proofs = [read_all()[f"good/{name}"].proof for name in ("one-account", "two-levels")]
    few, some = (f"{len(proof.encode()) / 1_000:.1f}" for proof in proofs)
    assert f"has {few} kB with one bucket, {some} kB with 20,000 accounts" in FORMAT
