"""`jiaozi checkpoint`: an auditor's, a witness's and a signer's commands, on real files."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from jiaozi.cli import main
from jiaozi.money import Fen
from jiaozi.proof.checkpoint import checkpoint_hash, verify_signatures
from tests.proof.evenings import evening, evenings, named, signed
from tests.proof.proof_vectors import ISSUER, KEYS, SUPERVISOR

FOUR = evenings(4)
KEY_WORDS = [word for key in KEYS for word in ("--key", key)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The notes of four evenings, among files that are something else."""
    place = tmp_path / "site" / "checkpoints"
    place.mkdir(parents=True)
    for name, note in named(FOUR):
        (place / name).write_text(note, "utf-8")
    (place / "eyuan-000004.balances.npy").write_bytes(b"\x93NUMPY")
    (place / "index.html").write_text("<p>", "utf-8")
    return tmp_path / "site"


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_a_whole_chain_is_told_whole_and_by_whom_it_is_signed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["checkpoint", "audit", str(folder), *KEY_WORDS]) == 0
    text = said(capsys)
    assert "epochs 1 to 4, 4 files" in text
    assert text.endswith("Whole: every checkpoint is signed by issuer.example/eyuan, supervisor.example.\n")
    assert checkpoint_hash(FOUR[3]).hex() in text
    assert main(["checkpoint", "audit", str(folder)]) == 3
    assert "name the signers with --key" in said(capsys)


def test_a_fork_between_the_site_and_a_cutting_is_found(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cutting = tmp_path / "cutting.txt"
    cutting.write_text(signed(evening(4, FOUR[2], reserve_fen=Fen(1))), "utf-8")
    assert main(["checkpoint", "audit", str(folder), str(cutting), *KEY_WORDS]) == 1
    text = said(capsys)
    assert "fork at epoch 4" in text
    assert "cutting.txt" in text
    assert "Not whole: 1 fault." in text
    assert main(["checkpoint", "audit", str(folder), str(cutting), "--json"]) == 1
    answer = json.loads(said(capsys))
    assert answer["chains"][0]["faults"][0]["kind"] == "fork"
    assert len(answer["chains"][0]["newest_sha256"]) == 2


def test_folders_of_several_witnesses_are_put_together(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    for name, note in named(FOUR[:2]):
        (mirror / name).write_text(note, "utf-8")
        (folder / "checkpoints" / name).unlink()
    assert main(["checkpoint", "audit", str(folder), *KEY_WORDS]) == 1
    assert main(["checkpoint", "audit", str(folder), str(mirror), str(mirror), *KEY_WORDS]) == 0
    assert "4 files" in said(capsys)


def test_links_pipes_and_other_files_of_a_folder_are_left_alone(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("not a note", "utf-8")
    (folder / "link.checkpoint").symlink_to(outside)
    (folder / "around").symlink_to(folder)
    (folder / "gone.checkpoint").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.checkpoint")
    (folder / "folder.checkpoint").mkdir()
    assert main(["checkpoint", "audit", str(folder), *KEY_WORDS]) == 0
    assert main(["checkpoint", "audit", str(folder / "pipe.checkpoint")]) == 2


def test_a_huge_or_binary_note_is_named_with_its_name_made_harmless(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "big.checkpoint").write_bytes(b"a" * 10_000_000)
    (folder / "bad\x1b[31m\n.checkpoint").write_bytes(b"\xff\x00")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.checkpoint")).write_bytes(b"")
    assert main(["checkpoint", "audit", str(folder), *KEY_WORDS]) == 2
    text = said(capsys)
    assert "larger than 65,536 bytes" in text
    assert r"bad\x1b[31m\n.checkpoint" in text
    assert "\x1b" not in text
    assert "3 files cannot be read" in text
    assert main(["checkpoint", "audit", str(folder), "--json"]) == 2
    assert len(json.loads(said(capsys))["unreadable"]) == 3


def test_nothing_to_audit_is_not_a_whole_chain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoint", "audit", str(tmp_path)]) == 2
    assert "Nothing found" in said(capsys)
    assert main(["checkpoint", "audit", str(tmp_path / "nowhere")]) == 2
    assert main(["checkpoint", "audit", str(tmp_path), "--key", "nonsense"]) == 2
    assert "is not a verifier key" in capsys.readouterr().err


def test_a_note_is_shown_in_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(folder / "checkpoints" / "eyuan-000002.checkpoint")
    assert main(["checkpoint", "show", path, *KEY_WORDS]) == 0
    text = said(capsys)
    assert "eyuan, issued by issuer.example/eyuan" in text
    assert checkpoint_hash(FOUR[0]).hex() in text
    assert main(["checkpoint", "show", path]) == 3
    assert "NOT CHECKED" in said(capsys)
    assert main(["checkpoint", "show", path, "--json", "--key", KEYS[0]]) == 0
    assert json.loads(said(capsys))["signed_by"] == [ISSUER.name]


def test_a_shortfall_and_a_missing_signature_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "note"
    path.write_text(signed(evening(1, reserve_fen=Fen(0)), [ISSUER]), "utf-8")
    assert main(["checkpoint", "show", str(path), *KEY_WORDS]) == 1
    text = said(capsys)
    assert "SHORT BY" in text
    assert "supervisor.example has not signed" in text
    path.write_text("x", "utf-8")
    assert main(["checkpoint", "show", str(path)]) == 2


def test_a_witness_makes_a_key_and_signs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key_file = folder / "witness.pem"
    words = ["checkpoint", "key", "--name", "witness.example"]
    assert main([*words, "--create", str(key_file)]) == 0
    verifier_key = said(capsys).strip()
    assert main([*words, "--file", str(key_file), "--json"]) == 0
    assert json.loads(said(capsys)) == {"name": "witness.example", "key": verifier_key}
    assert main([*words, "--create", str(key_file)]) == 1
    note = folder / "checkpoints" / "eyuan-000004.checkpoint"
    note.chmod(0o640)
    signing = ["checkpoint", "sign", str(note), "--key-file", str(key_file), "--name", "witness.example"]
    assert main([*signing, *KEY_WORDS]) == 0
    assert verify_signatures(note.read_text("utf-8"), [*KEYS, verifier_key])
    assert note.read_text("utf-8").startswith(FOUR[3])
    assert stat.S_IMODE(note.stat().st_mode) == 0o640
    assert main(signing) == 1
    assert "has signed this checkpoint already" in capsys.readouterr().err
    assert len(list(note.parent.iterdir())) == 6, "nothing is left beside it"


def test_what_is_no_note_or_lacks_a_signature_is_not_signed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key_file = folder / "witness.pem"
    main(["checkpoint", "key", "--name", "witness.example", "--create", str(key_file)])
    note = folder / "checkpoints" / "eyuan-000004.checkpoint"
    signing = ["checkpoint", "sign", str(note), "--key-file", str(key_file), "--name", "witness.example"]
    unsigned = signed(evening(4, FOUR[2]), [SUPERVISOR])
    for text, words, code in ((FOUR[3][:-1], [], 2), (unsigned, KEY_WORDS, 1)):
        note.write_text(text, "utf-8")
        assert main([*signing, *words]) == code
        assert note.read_text("utf-8") == text
        assert "nothing was signed" in capsys.readouterr().err
