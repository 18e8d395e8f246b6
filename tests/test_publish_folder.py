"""Where a publication goes: all of it at once, over nothing of somebody else's, and never a broken chain."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

import pytest

from jiaozi.cli import main
from jiaozi.errors import ProofError
from jiaozi.money import Fen
from jiaozi.proof.checkpoint import sign, verify_signatures
from jiaozi.proof.keys import Signer
from jiaozi.report.publish import publish
from jiaozi.report.site import folder as places
from tests.proof.evenings import evening, signed
from tests.proof.proof_vectors import ISSUER, KEYS, SUPERVISOR, signer_of
from tests.publishing import FOUR, WITNESS, content, office_of, page


@pytest.fixture
def office(tmp_path: Path) -> Path:
    return office_of(tmp_path / "office", FOUR)


@pytest.fixture
def site(tmp_path: Path, office: Path) -> Path:
    """The four evenings, published."""
    publish(office, tmp_path / "www" / "site", "eyuan")
    return tmp_path / "www" / "site"


def test_a_second_run_gives_the_same_bytes_and_touches_nothing(
    tmp_path: Path, office: Path, site: Path
) -> None:
    before = {path: path.stat() for path in site.rglob("*")}
    assert publish(office, site, "eyuan").changed == 0
    assert {path: path.stat() for path in site.rglob("*")} == before
    publish(office, tmp_path / "again", "eyuan")
    assert content(tmp_path / "again") == content(site)


def test_the_next_evening_changes_the_pages_and_leaves_the_old_notes_alone(office: Path, site: Path) -> None:
    note = site / "checkpoints" / "eyuan-000001.checkpoint"
    inode = note.stat().st_ino
    (office / "checkpoints" / "eyuan-000005.checkpoint").write_text(signed(evening(5, FOUR[3])), "utf-8")
    done = publish(office, site, "eyuan")
    assert (done.epoch, done.checkpoints) == (5, 5)
    assert note.stat().st_ino == inode
    assert "No. 5" in page(site, "index")
    assert not [path for path in site.parent.iterdir() if path.name.startswith(".")]
    assert all(path.stat().st_mode & 0o077 == (0o055 if path.is_dir() else 0o044) for path in site.rglob("*"))


def test_a_signature_that_a_witness_left_on_the_site_is_kept(office: Path, site: Path) -> None:
    note = site / "checkpoints" / "eyuan-000002.checkpoint"
    note.write_text(sign(FOUR[1], WITNESS.name, WITNESS.private_key), "utf-8")
    publish(office, site, "eyuan", [])
    assert verify_signatures(note.read_text("utf-8"), [*KEYS, WITNESS.verifier_key])


def test_what_was_published_and_is_gone_from_the_office_stays_published(office: Path, site: Path) -> None:
    (office / "checkpoints" / "eyuan-000002.checkpoint").unlink()
    assert publish(office, site, "eyuan").changed == 0


def fork(office: Path) -> None:
    other = signed(evening(4, FOUR[2], reserve_fen=Fen(1)))
    (office / "checkpoints" / "eyuan-000004.checkpoint").write_text(other, "utf-8")


def gap(office: Path) -> None:
    (office / "checkpoints" / "eyuan-000002.checkpoint").unlink()


def unsigned(office: Path) -> None:
    note = signed(evening(4, FOUR[2]), [ISSUER])
    (office / "checkpoints" / "eyuan-000004.checkpoint").write_text(note, "utf-8")


def unreadable(office: Path) -> None:
    (office / "checkpoints" / "eyuan-000003.checkpoint").write_bytes(b"\x00" * 100)


def other_origin(office: Path) -> None:
    note = signed(evening(4, FOUR[2], origin="somebody.else/eyuan"))
    (office / "checkpoints" / "eyuan-000004.checkpoint").write_text(note, "utf-8")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (gap, "epoch 2 is missing"),
        (unsigned, "supervisor.example has not signed"),
        (unreadable, "is no checkpoint"),
        (other_origin, "more than one chain"),
    ],
)
def test_a_broken_chain_is_not_published(
    tmp_path: Path, office: Path, spoil: object, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(spoil)
    spoil(office)
    assert main(["publish", str(tmp_path / "www"), "--folder", str(office)]) == 1
    told = capsys.readouterr().err
    assert "nothing is published" in told
    assert said in told
    assert not (tmp_path / "www").exists()


def test_an_office_that_forks_from_its_own_publication_is_refused(office: Path, site: Path) -> None:
    before = content(site)
    fork(office)
    with pytest.raises(ProofError, match="fork at epoch 4"):
        publish(office, site, "eyuan")
    assert content(site) == before


def test_nothing_of_somebody_elses_is_overwritten(tmp_path: Path, office: Path, site: Path) -> None:
    other = tmp_path / "letters"
    other.mkdir()
    (other / "letter.txt").write_text("dear", "utf-8")
    with pytest.raises(ProofError, match="neither empty nor a publication"):
        publish(office, other, "eyuan")
    with pytest.raises(ProofError, match="neither empty nor a publication"):
        publish(office, office / "checkpoints", "eyuan")
    with pytest.raises(ProofError, match="is no folder"):
        publish(office, other / "letter.txt", "eyuan")
    (site / "CNAME").write_text("coin.example", "utf-8")
    with pytest.raises(ProofError, match="'CNAME', which is no part"):
        publish(office, site, "eyuan")
    (site / "CNAME").unlink()
    (site / "audit").symlink_to(other)
    with pytest.raises(ProofError, match="'audit', which is no part"):
        publish(office, site, "eyuan")
    (site / "audit").unlink()
    (site / "publication.json").write_bytes(places.marker("ehkd", "issuer.example/ehkd"))
    with pytest.raises(ProofError, match="publication of 'ehkd'"):
        publish(office, site, "eyuan")
    assert (other / "letter.txt").read_text("utf-8") == "dear"


def test_an_empty_folder_is_taken_and_one_run_at_a_time(tmp_path: Path, office: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(ProofError, match="another run"):
        publish(office, empty, "eyuan")
    os.close(handle)
    assert publish(office, empty, "eyuan").changed > 10


def test_a_run_that_was_killed_leaves_nothing_for_the_next_to_stumble_over(office: Path, site: Path) -> None:
    beside = site.parent / ".site.publishing"
    (beside / "checkpoints").mkdir(parents=True)
    (beside / "index.html").write_text("half", "utf-8")
    (site / "index.html").write_text("old", "utf-8")
    assert publish(office, site, "eyuan").changed == 1
    assert not beside.exists()


def test_where_two_folders_cannot_change_places_in_one_step_it_takes_two(
    office: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_EXCHANGE", 1 << 30)  # a flag that no kernel knows
    wanted = content(site)
    (site / "index.html").write_text("old", "utf-8")
    publish(office, site, "eyuan")
    assert content(site) == wanted
    assert not [path for path in site.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("at", [1, 2, 3], ids=["before", "between", "after"])
def test_a_run_killed_while_folders_change_places_in_two_steps_loses_no_signature(
    office: Path, site: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    monkeypatch.setattr(places, "_EXCHANGE", 1 << 30)
    note = site / "checkpoints" / "eyuan-000002.checkpoint"
    note.write_text(sign(FOUR[1], WITNESS.name, WITNESS.private_key), "utf-8")
    (office / "checkpoints" / "eyuan-000005.checkpoint").write_text(signed(evening(5, FOUR[3])), "utf-8")
    rename, renamed = Path.rename, []

    def killed(path: Path, target: Path) -> Path:
        renamed.append(path)
        if len(renamed) == at:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as during:
        during.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            publish(office, site, "eyuan")
    assert site.exists() == (at != 2)
    publish(office, site, "eyuan")
    assert verify_signatures(note.read_text("utf-8"), [*KEYS, WITNESS.verifier_key])
    assert (site / "checkpoints" / "eyuan-000005.checkpoint").exists()
    assert not [path for path in site.parent.iterdir() if path.name.startswith(".")]


def test_an_empty_folder_gives_way_to_the_site_left_beside(office: Path, site: Path) -> None:
    note = site / "checkpoints" / "eyuan-000002.checkpoint"
    note.write_text(sign(FOUR[1], WITNESS.name, WITNESS.private_key), "utf-8")
    site.rename(site.parent / ".site.before")
    site.mkdir()
    publish(office, site, "eyuan")
    assert verify_signatures(note.read_text("utf-8"), [*KEYS, WITNESS.verifier_key])
    assert not [path for path in site.parent.iterdir() if path.name.startswith(".")]


def test_the_notes_of_a_site_left_beside_are_read_when_a_new_one_has_its_place(
    office: Path, site: Path
) -> None:
    publish(office, site.parent / ".site.before", "eyuan")
    left = site.parent / ".site.before" / "checkpoints" / "eyuan-000002.checkpoint"
    left.write_text(sign(FOUR[1], WITNESS.name, WITNESS.private_key), "utf-8")
    publish(office, site, "eyuan")
    note = (site / "checkpoints" / "eyuan-000002.checkpoint").read_text("utf-8")
    assert verify_signatures(note, [*KEYS, WITNESS.verifier_key])
    assert not [path for path in site.parent.iterdir() if path.name.startswith(".")]


def test_a_folder_beside_that_is_no_publication_is_left_alone(office: Path, site: Path) -> None:
    letter = site.parent / ".site.before" / "letter.txt"
    letter.parent.mkdir()
    letter.write_text("dear", "utf-8")
    (site / "index.html").write_text("old", "utf-8")
    assert publish(office, site, "eyuan").changed == 1
    assert letter.read_text("utf-8") == "dear"


def test_keys_that_are_not_in_the_office_are_named_by_hand(tmp_path: Path, office: Path) -> None:
    (office / "keys" / "supervisor.pem").unlink()
    publish(office, tmp_path / "a", "eyuan")
    assert KEYS[1] not in (tmp_path / "a" / "keys.txt").read_text("utf-8")
    publish(office, tmp_path / "a", "eyuan", [KEYS[1]])
    assert KEYS[1] in (tmp_path / "a" / "keys.txt").read_text("utf-8")
    (office / "keys" / "issuer.pem").unlink()
    with pytest.raises(ProofError, match="with --key"):
        publish(office, tmp_path / "b", "eyuan")
    with pytest.raises(ProofError, match="not a verifier key"):
        publish(office, tmp_path / "b", "eyuan", ["nonsense"])


def test_after_a_change_of_key_both_keys_are_published_and_only_the_new_one_signed_last(
    tmp_path: Path, office: Path
) -> None:
    new = Signer(SUPERVISOR.name, signer_of("new.example").private_key)
    note = signed(evening(5, FOUR[3]), [ISSUER, new])
    (office / "checkpoints" / "eyuan-000005.checkpoint").write_text(note, "utf-8")
    with pytest.raises(ProofError, match=r"supervisor\.example has not signed"):
        publish(office, tmp_path / "www", "eyuan")
    publish(office, tmp_path / "www", "eyuan", [new.verifier_key])
    lines = (tmp_path / "www" / "keys.txt").read_text("utf-8").splitlines()
    assert {*KEYS, new.verifier_key} <= set(lines)
    data = json.loads((tmp_path / "www" / "disclosure.json").read_text("utf-8"))
    assert [each["key"] for each in data["signed_by"]] == [KEYS[0], new.verifier_key]
