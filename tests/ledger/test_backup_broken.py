"""A backup that is broken is refused by name, one that is interrupted harms nothing."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from jiaozi.clock import Instant, ManualClock
from jiaozi.errors import BackupError, JournalError
from jiaozi.ledger import backup as backup_module
from jiaozi.ledger import backup_files
from jiaozi.ledger.backup import back_up, restore
from jiaozi.ledger.backup_files import MAX_MANIFEST_BYTES, Manifest, Stored, read_manifest
from jiaozi.ledger.journal.frames import FrameKind
from jiaozi.ledger.journal.journal import Journal, verify
from jiaozi.office import Office
from tests.ledger.backup_world import MADE, contents, flip, journal_only, working_office
from tests.world import World, at


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a closed office. Nobody writes to it."""
    folder = tmp_path_factory.mktemp("resting") / "office"
    working_office(folder).office.close()
    return folder


@pytest.fixture
def kept(resting: Path, tmp_path: Path) -> Path:
    """A sound backup of the resting office, keys and all, for a test to break."""
    back_up(resting, tmp_path / "kept", made=MADE, with_keys=True)
    return tmp_path / "kept"


def refused(backup: Path, folder: Path) -> str:
    """Return why *backup* is not restored; nothing is there afterwards that was not before."""
    before = sorted(folder.parent.iterdir())
    with pytest.raises(BackupError) as refusal:
        restore(backup, folder)
    assert sorted(folder.parent.iterdir()) == before
    return str(refusal.value)


def seal(backup: Path, manifest: Manifest) -> None:
    """Write *manifest* as someone would who can write to the backup and knows how checksums are made."""
    (backup / "manifest.json").write_bytes(manifest.content())


# What is refused


def test_a_bit_flipped_in_any_file_of_the_backup_is_refused_by_the_name_of_the_file(
    kept: Path, tmp_path: Path
) -> None:
    for stored in read_manifest(kept).files:
        path = kept / "files" / stored.sha256
        raw = path.read_bytes()
        for at_byte in {0, len(raw) // 2, len(raw) - 1}:
            flip(path, at_byte, at_byte % 8)
            said = refused(kept, tmp_path / "again")
            assert stored.name in said
            assert path.name in said
            path.write_bytes(raw)
        for other in (raw[:-1], raw + b"\0", b""):
            path.write_bytes(other)
            assert stored.name in refused(kept, tmp_path / "again")
        path.unlink()
        assert stored.name in refused(kept, tmp_path / "again")
        path.write_bytes(raw)
    restore(kept, tmp_path / "again")


def test_a_bit_flipped_anywhere_in_the_manifest_is_refused(kept: Path) -> None:
    path = kept / "manifest.json"
    raw = path.read_bytes()
    for at_byte in range(len(raw)):
        flip(path, at_byte, at_byte % 8)
        with pytest.raises(BackupError, match=r"manifest\.json"):
            read_manifest(kept)
        path.write_bytes(raw)
    for cut in (0, 1, len(raw) // 2, len(raw) - 1):
        path.write_bytes(raw[:cut])
        with pytest.raises(BackupError, match=r"manifest\.json"):
            read_manifest(kept)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"name": "of another program"}',
        "[" * 100_000,
        '{"format": 1' + "1" * 10_000 + "}",
    ],
)
def test_a_manifest_that_is_none_of_ours_is_refused(kept: Path, tmp_path: Path, text: str) -> None:
    (kept / "manifest.json").write_text(text, "utf-8")
    assert "manifest.json" in refused(kept, tmp_path / "again")


@pytest.mark.parametrize(
    "name",
    [
        "../evil", "/evil", "journal/../../evil", "keys/../evil", "keys/..", "keys/.", "keys/.hidden",
        "checkpoints/a/b", "outbox/a\\b", "outbox/a\0b", "outbox/", "", "journal/lock", "office.sqlite/x",
        "journal/1.jzj", "manifest.json", "keys/" + "x" * 300, "outbox/a\n",
    ],
)  # fmt: skip
def test_a_name_that_no_office_has_is_refused(kept: Path, tmp_path: Path, name: str) -> None:
    content = b"evil"
    digest = hashlib.sha256(content).hexdigest()
    (kept / "files" / digest).write_bytes(content)
    manifest = read_manifest(kept)
    seal(kept, msgspec.structs.replace(manifest, files=[*manifest.files, Stored(name, 4, digest)]))
    assert "no file of an office" in refused(kept, tmp_path / "again")
    assert not list(tmp_path.rglob("evil"))


def test_a_manifest_that_lies_about_files_or_frames_is_refused(kept: Path, tmp_path: Path) -> None:
    sound = read_manifest(kept)
    first = sound.files[0]

    def said(**change: object) -> str:
        seal(kept, msgspec.structs.replace(sound, **change))
        return refused(kept, tmp_path / "again")

    others = sound.files[1:]
    assert "twice" in said(files=[*sound.files, first])
    assert "digest" in said(files=[Stored(first.name, first.bytes, "../manifest.json"), *others])
    assert "digest" in said(files=[Stored(first.name, -1, first.sha256), *others])
    assert first.name in said(files=[Stored(first.name, 2**62, first.sha256), *others])
    assert "format 2" in said(format=2)
    assert f"ends at frame {sound.frames}" in said(frames=sound.frames - 1)
    assert f"ends at frame {sound.frames}" in said(head_hash="00" * 32)
    journal = [each for each in sound.files if each.name.startswith("journal/")]
    assert "journal" in said(files=[each for each in sound.files if each not in journal])
    seal(kept, sound)
    restore(kept, tmp_path / "again")


def test_links_and_pipes_in_a_backup_are_not_followed(kept: Path, tmp_path: Path) -> None:
    stored = read_manifest(kept).files[0]
    path = kept / "files" / stored.sha256
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert "no plain file" in refused(kept, tmp_path / "again")
    path.unlink()
    os.mkfifo(path)
    assert "no plain file" in refused(kept, tmp_path / "again")
    path.unlink()
    (tmp_path / "elsewhere").rename(path)
    (kept / "files").rename(tmp_path / "files")
    (kept / "files").symlink_to(tmp_path / "files")
    assert "not what a backup has there" in refused(kept, tmp_path / "again")
    (kept / "manifest.json").unlink()
    (kept / "manifest.json").symlink_to(tmp_path / "nowhere")
    assert "no plain file" in refused(kept, tmp_path / "again")


def test_a_huge_manifest_is_refused_before_it_is_read(kept: Path, tmp_path: Path) -> None:
    os.truncate(kept / "manifest.json", MAX_MANIFEST_BYTES + 1)
    assert "more than a manifest may have" in refused(kept, tmp_path / "again")


def test_a_journal_that_is_no_chain_is_refused_although_every_digest_holds(tmp_path: Path) -> None:
    journal_only(tmp_path / "office", 1, 9)
    back_up(tmp_path / "office", tmp_path / "kept", made=MADE)
    sound = read_manifest(tmp_path / "kept")
    seal(tmp_path / "kept", msgspec.structs.replace(sound, files=sound.files[:1] + sound.files[2:]))
    assert "a segment is missing" in refused(tmp_path / "kept", tmp_path / "again")


def test_a_restore_goes_into_an_empty_folder_or_none(kept: Path, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    folder.mkdir()
    (folder / "mine").write_text("mine", "utf-8")
    assert "not empty" in refused(kept, folder)
    assert contents(folder) == {"mine": b"mine"}
    assert "not empty" in refused(kept, folder / "mine")
    (folder / "mine").unlink()
    restore(kept, folder)
    assert "not empty" in refused(kept, folder)
    assert "lie in each other" in refused(kept, kept / "inside")
    restore(kept, tmp_path / "far" / "away")


def test_an_interrupted_backup_is_refused_and_the_next_one_goes_on_from_it(
    resting: Path, tmp_path: Path
) -> None:
    to = tmp_path / "kept"
    count = back_up(resting, to, made=MADE).copied_files
    (to / "manifest.json").unlink()
    (to / "files" / ".part").write_bytes(b"half a segm")
    assert "interrupted" in refused(to, tmp_path / "again")
    assert back_up(resting, to, made=MADE).copied_files < count - 2
    restore(to, tmp_path / "again")


def test_a_folder_that_holds_something_else_or_another_office_is_left_alone(
    resting: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    journal_only(other, 1, 3)
    with pytest.raises(BackupError, match="which is no backup"):
        back_up(other, resting, made=MADE)
    with pytest.raises(BackupError, match="lie in each other"):
        back_up(other, other / "kept", made=MADE)
    back_up(resting, tmp_path / "kept", made=MADE)
    before = contents(tmp_path / "kept")
    with pytest.raises(BackupError, match="of another office"):
        back_up(other, tmp_path / "kept", made=MADE)
    with pytest.raises(BackupError, match="has no journal"):
        back_up(tmp_path / "nowhere", tmp_path / "new", made=MADE)
    assert contents(tmp_path / "kept") == before
    assert not (tmp_path / "new").exists()


def test_a_backup_that_is_ahead_of_the_journal_is_not_written_over(tmp_path: Path) -> None:
    journal_only(tmp_path / "office", 1, 5)
    shutil.copytree(tmp_path / "office", tmp_path / "older")
    journal_only(tmp_path / "office", 6, 4)
    back_up(tmp_path / "office", tmp_path / "kept", made=MADE)
    for _ in range(2):
        with pytest.raises(BackupError, match="goes to frame 9, and this journal does not go on from it"):
            back_up(tmp_path / "older", tmp_path / "kept", made=MADE)
        with Journal.open(tmp_path / "older" / "journal") as journal:  # as long, and another
            for number in range(6, 10):
                if journal.sequence < number:
                    journal.append(
                        FrameKind.FACTS, Instant(number), bytes(32), [b"other"], follows=number - 1
                    ).result()
    assert restore(tmp_path / "kept", tmp_path / "again").frames == 9


def test_a_damaged_journal_or_table_is_not_backed_up(resting: Path, tmp_path: Path) -> None:
    office, to = tmp_path / "office", tmp_path / "kept"
    shutil.copytree(resting, office)
    back_up(office, to, made=MADE)
    before = contents(to)
    segment = next((office / "journal").glob("*.jzj"))
    flip(segment, 2_000)
    with pytest.raises(JournalError, match="offset"):
        back_up(office, to, made=MADE)
    flip(segment, 2_000)
    tables = office / "office.sqlite"
    raw = tables.read_bytes()
    tables.write_bytes(raw[:4096] + b"\xff" * 4096 + raw[8192:])
    with pytest.raises(BackupError, match=r"office\.sqlite"):
        back_up(office, to, made=MADE)
    tables.write_bytes(b"no tables at all" * 999)
    with pytest.raises(BackupError, match=r"office\.sqlite"):
        back_up(office, to, made=MADE)
    tables.write_bytes(raw)
    assert read_manifest(to).content() == before["manifest.json"]
    restore(to, tmp_path / "again")


def test_two_backups_do_not_write_to_one_folder_at_once(resting: Path, tmp_path: Path) -> None:
    to = tmp_path / "kept"
    to.mkdir()
    lock = os.open(to, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(BackupError, match="another backup"):
        back_up(resting, to, made=MADE)
    os.close(lock)
    back_up(resting, to, made=MADE)


# A disk that fails


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """Let no file grow beyond *size* bytes, for real: the system refuses the write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 100, 5_000, 20_000])
def test_a_full_disk_leaves_the_backup_before_and_no_half_office(
    resting: Path, tmp_path: Path, size: int
) -> None:
    office, to = tmp_path / "office", tmp_path / "kept"
    shutil.copytree(resting, office)
    back_up(office, to, made=MADE)
    sound = read_manifest(to)
    world_of(office).office.close()
    with disk_of(size), pytest.raises((OSError, BackupError)):
        back_up(office, to, made=MADE)
    assert read_manifest(to) == sound
    with disk_of(size), pytest.raises(OSError, match="large"):
        restore(to, tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "office"]
    assert restore(to, tmp_path / "again").frames == sound.frames
    assert back_up(office, to, made=MADE).manifest.frames > sound.frames


def world_of(folder: Path) -> World:
    """Open the office of `working_office` again and let one payment pass."""
    clock = ManualClock(at("2026-12-16 09:00"))
    world = World(Office.open(folder, clock=clock), clock, {"Distributor": 4, "Wang": 7})
    assert world.pay("Distributor", "Wang", 1_00) == ("created", ())
    return world


def test_a_backup_may_stop_at_any_step_and_so_may_a_restore(
    resting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every sync, write and rename fails once, each time at the next place."""
    office, to = tmp_path / "office", tmp_path / "kept"
    shutil.copytree(resting, office)
    back_up(office, to, made=MADE)
    base = contents(to)
    world_of(office).office.close()
    left = 0

    def failing(real: Callable[..., object]) -> Callable[..., object]:
        def step(*given: object, **named: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*given, **named)

        return step

    for module in (backup_module, backup_files):
        for name in ("sync_file", "sync_folder", "write_all"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, failing(getattr(module, name)))
    for name in ("replace", "rename"):
        monkeypatch.setattr(Path, name, failing(getattr(Path, name)))

    old, new = read_manifest(to).frames, verify(office / "journal").frames
    steps = 0
    while True:
        steps += 1
        left = steps
        try:
            back_up(office, to, made=MADE)
            break
        except OSError:
            pass
        left = 0
        assert restore(to, tmp_path / "again").frames in (old, new)
        shutil.rmtree(tmp_path / "again")
        shutil.rmtree(to)
        for name, raw in base.items():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_bytes(raw)
    assert steps > 8
    steps = 0
    while True:
        steps += 1
        left = steps
        try:
            restore(to, tmp_path / "again")
            break
        except OSError:
            pass
        # Only the very last sync comes after the folder has its name; it is whole then.
        if (tmp_path / "again").exists():
            left = 0
            assert verify(tmp_path / "again" / "journal").frames == new
            shutil.rmtree(tmp_path / "again")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "office"]
    assert steps > 8
