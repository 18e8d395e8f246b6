"""The table of ids: nothing is lost or found twice, at any size, in whatever way it grew or forgot."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

from jiaozi.ledger.ids import give_ids
from jiaozi.ledger.posting.idindex import (
    IDS_PER_PIECE,
    NO_ROW,
    PIECE_ROWS,
    Table,
    content_of,
    content_of_rows,
    count_of,
    forget,
    is_expired,
    living_count,
    make_room,
    new_table,
    place_of,
    populate_ahead,
    put,
    put_rows,
    stamp_of,
)
from jiaozi.ledger.records import TRANSFER
from jiaozi.ledger.snapshots.ids import pack
from tests.ledger.id_world import (
    Ids,
    check_places,
    linked_of,
    meeting,
    pieces_of,
    rows_of,
    small_table,
    table_from,
    timed,
    timed_meeting,
    timeless,
)

FRAME = 65_520
CHOSEN = 1 << 63
"""The bit that `stamp_of` sets, so that no stamp of a taken id is zero."""


def taken(table: Table, rows: Ids, frame: int = FRAME) -> Table:
    """Take *rows* frame by frame, as a ledger does."""
    for first in range(0, len(rows), frame):
        chunk = rows[first : first + frame]
        table = make_room(table, len(chunk))
        assert put_rows(table, chunk) == -1
    return table


# Growing


@pytest.mark.parametrize("frame", [100, 1000, FRAME])
def test_every_id_is_found_while_the_table_grows(frame: int) -> None:
    rows, table = timeless(60_000, seed=1), new_table(1)
    for first in range(0, len(rows), frame):
        table = taken(table, rows[first : first + frame], frame)
        for lo, hi, stamp in rows[: first + frame : 997]:
            assert stamp_of(table, lo, hi) == int(stamp) | CHOSEN
    check_places(table)
    assert pieces_of(table) == -(-len(rows) // IDS_PER_PIECE)
    assert not any(stamp_of(table, lo, hi) for lo, hi, _ in timeless(1000, seed=2))


def test_a_table_stays_where_it_is_while_it_grows() -> None:
    table = new_table()
    grown = taken(table, timeless(500_000, seed=1))
    assert grown is table


@pytest.mark.parametrize("kind", ["timeless", "timed"])
def test_honest_ids_fill_no_piece_and_take_the_memory_that_was_planned(kind: str) -> None:
    rows = (
        timeless(2_000_000, seed=3)
        if kind == "timeless"
        else timed(2_000_000, 3, milliseconds=1_800_000_000_000)
    )
    table = new_table(1)
    for first in range(0, len(rows), FRAME):
        table = taken(table, rows[first : first + FRAME])
        pieces = table[PIECE_ROWS : (pieces_of(table) + 1) * PIECE_ROWS, :2].reshape(-1, PIECE_ROWS, 2)
        assert pieces.any(axis=2).sum(axis=1).max() < 1.6 * IDS_PER_PIECE < PIECE_ROWS
    assert linked_of(table) == 0
    assert pieces_of(table) == -(-len(rows) // IDS_PER_PIECE)


@pytest.mark.parametrize("ids", [1, IDS_PER_PIECE, IDS_PER_PIECE + 1, 40_000, 1_000_000])
def test_a_table_made_for_many_ids_is_the_one_that_grew_to_them(ids: int) -> None:
    rows = timeless(ids, seed=4)
    grown, made = taken(new_table(1), rows, 5000), new_table(ids)
    assert put_rows(made, rows) == -1
    assert pieces_of(made) == pieces_of(grown)
    assert (content_of(made, 0) == content_of(grown, 0)).all()
    check_places(made)


def test_where_the_reservation_ends_the_ids_move_to_a_larger_table() -> None:
    rows, table = timeless(200_000, seed=5), small_table(key=77)
    sizes = {len(table)}
    for first in range(0, len(rows), 7000):
        table = taken(table, rows[first : first + 7000])
        sizes.add(len(table))
    assert len(sizes) > 2
    assert (content_of(table, 0) == content_of_rows(rows, 0)).all()
    check_places(table)
    assert table[0, 2] == 77, "the key goes along"


def test_where_address_space_is_short_the_table_still_grows_until_an_error_says_so() -> None:
    program = """
import resource
import numpy as np
from jiaozi.ledger.posting.idindex import content_of, content_of_rows, make_room, new_table, put_rows
new_table(1)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (600 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
rows = np.random.default_rng(1).integers(1, 2**64, size=(1_000_000, 3), dtype=np.uint64)
table = new_table()
for first in range(0, len(rows), 50_000):
    table = make_room(table, 50_000)
    assert put_rows(table, rows[first : first + 50_000]) == -1
assert (content_of(table, 0) == content_of_rows(rows, 0)).all()
try:
    make_room(table, 100_000_000)
except MemoryError as error:
    print(error)
assert (content_of(table, 0) == content_of_rows(rows, 0)).all()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "ulimit -v" in done.stdout


# Putting


def test_a_result_is_changed_where_the_id_stands_and_growing_keeps_it() -> None:
    rows = timeless(30_000, seed=6)
    table = taken(new_table(1), rows)
    for lo, hi, _ in rows[::7]:
        table[place_of(table, lo, hi), 2] = np.uint64(42)
    table = taken(table, timeless(30_000, seed=7))
    rows[::7, 2] = 42
    for lo, hi, stamp in rows[:500]:
        assert stamp_of(table, lo, hi) == int(stamp) | CHOSEN
    assert count_of(table) == 60_000


def test_an_id_with_one_half_zero_is_an_id() -> None:
    rows = np.array([(0, 5, 1), (5, 0, 2), (2**64 - 1, 2**64 - 1, 3)], dtype=np.uint64)
    table = taken(new_table(1), rows)
    assert [stamp_of(table, lo, hi) for lo, hi, _ in rows] == [CHOSEN | 1, CHOSEN | 2, CHOSEN | 3]
    assert stamp_of(table, 0, 0) == 0
    check_places(table)


# Ids made to meet


def test_ids_made_to_meet_are_all_kept_and_found() -> None:
    honest, hostile = timeless(20_000, seed=8), meeting(3 * PIECE_ROWS, seed=9)
    table = taken(new_table(1), honest[:10_000])
    table = taken(table, hostile, frame=5000)
    table = taken(table, honest[10_000:])
    assert linked_of(table) >= 2
    assert count_of(table) == len(honest) + len(hostile)
    assert (content_of(table, 0) == content_of_rows(np.concatenate([honest, hostile]), 0)).all()
    check_places(table)
    lo, hi, _ = meeting(3 * PIECE_ROWS + 1, seed=10)[0]
    assert stamp_of(table, lo, hi) == 0
    assert put_rows(table, hostile[-1:]) == 0, "it is there already"


def test_pieces_linked_to_full_ones_are_used_again() -> None:
    hostile = np.concatenate([timed_meeting(ms) for ms in range(1000, 1010)])
    table = taken(new_table(1), hostile)
    linked = linked_of(table)
    assert linked >= 2
    for _ in range(3):
        assert forget(table, 2000, pieces_of(table)) == len(hostile)
        assert not rows_of(table).size
        table = taken(table, hostile)
        check_places(table)
    assert linked_of(table) == linked


def test_a_whole_frame_of_ids_that_meet_fits_the_room_that_was_made() -> None:
    hostile = meeting(20_000, seed=11)
    table = make_room(small_table(), len(hostile))
    assert put_rows(table, hostile) == -1
    check_places(table)


@pytest.mark.parametrize("spare", range(10))
def test_ids_that_meet_fit_however_little_of_the_reservation_is_left(spare: int) -> None:
    hostile = meeting(20_000, seed=14)
    table = taken(small_table(linked=spare), hostile, frame=4000)
    make_room(table, 1)
    assert (content_of(table, 0) == content_of_rows(hostile, 0)).all()


def test_under_another_key_the_same_ids_do_not_meet() -> None:
    hostile = meeting(20_000, seed=12)
    table = taken(new_table(1, key=0x5EED), hostile)
    assert linked_of(table) == 0
    assert (content_of(table, 0) == content_of_rows(hostile, 0)).all()
    assert (content_of(table, 0) == content_of(taken(new_table(1), hostile), 0)).all()


def test_an_id_put_without_room_is_not_lost_in_silence() -> None:
    table, rows = small_table(), meeting(5 * PIECE_ROWS, seed=13)
    places = []
    for lo, hi, stamp in rows:
        at = place_of(table, lo, hi)
        assert table[at, :2].tolist() == [0, 0]
        places.append(put(table, at, lo, hi, stamp))
    assert -1 in places
    assert not table[NO_ROW].any()
    with pytest.raises(RuntimeError, match="put without room made for them; restart from the journal"):
        make_room(table, 1)


# Forgetting


def test_ids_before_the_horizon_go_and_all_others_stay() -> None:
    before, at, after = (timed(9000, seed, ms) for seed, ms in ((1, 4_999), (2, 5_000), (3, 5_001)))
    kept = np.concatenate([at, after, timeless(9000, seed=4)])
    table = taken(new_table(1), np.concatenate([before, kept]))
    content = content_of(table, 5_000)
    assert (content == content_of_rows(kept, 0)).all()
    assert living_count(table, 5_000) == len(kept)
    dropped = 0
    for _ in range(pieces_of(table)):
        dropped += forget(table, 5_000, 1)
        assert (content_of(table, 5_000) == content).all(), "what was swept already plays no part"
        assert living_count(table, 5_000) == len(kept)
    assert dropped == len(before)
    assert count_of(table) == len(kept)
    assert (content_of(table, 0) == content).all()
    check_places(table)
    assert not any(stamp_of(table, lo, hi) for lo, hi, _ in before[::10])


def test_a_table_that_forgets_stops_growing() -> None:
    table, sizes = new_table(1), []
    for frame in range(200):
        table = taken(table, timed(5000, frame, milliseconds=frame))
        forget(table, max(0, frame - 20), 1 + pieces_of(table) // 10)
        sizes.append(pieces_of(table))
    assert sizes[-1] == sizes[100]
    assert living_count(table, 180) == 20 * 5000
    check_places(table)


def test_only_ids_with_version_and_variant_of_a_uuid7_can_expire() -> None:
    batch = np.zeros(1, dtype=TRANSFER)
    give_ids(batch, 1_000 * 1_000_000, np.random.default_rng(1))  # type: ignore[arg-type]
    lo, hi = batch["id_lo"][0], batch["id_hi"][0]
    assert not is_expired(lo, hi, np.uint64(1_000))
    assert is_expired(lo, hi, np.uint64(1_001))
    for bit in (62, 63):
        assert not is_expired(lo ^ np.uint64(1 << bit), hi, np.uint64(1_001))
    for bit in (12, 13, 14, 15):
        assert not is_expired(lo, hi ^ np.uint64(1 << bit), np.uint64(1_001))
    assert not is_expired(np.uint64(0), np.uint64(0), np.uint64(2**48))


# Snapshots


def test_rows_come_out_and_go_in_again() -> None:
    rows = np.concatenate([timeless(150_000, seed=1), meeting(9000, seed=2)])
    table = taken(new_table(1), rows)
    packed = rows_of(table)
    again = table_from(packed, key=5)
    assert count_of(again) == len(rows)
    assert (content_of(again, 0) == content_of(table, 0)).all()
    check_places(again)
    assert count_of(table_from(packed[:0])) == 0


def test_rows_are_packed_in_parts_and_expired_ones_are_left_out() -> None:
    kept = np.concatenate([meeting(9000, seed=2), timed(5000, 1, 900)])
    table = taken(new_table(1), np.concatenate([kept, timed(5000, 2, 800)]))
    at, parts, buffer = 0, [], np.empty((777, 3), dtype=np.uint64)
    while at < len(table):
        at, filled = pack(table, at, buffer, 900)
        parts.append(buffer[:filled].copy())
    packed = np.concatenate(parts)
    assert len(packed) == len(kept)
    assert (content_of_rows(packed, 0) == content_of_rows(kept, 0)).all()


def test_rows_that_no_table_wrote_are_refused_by_number() -> None:
    rows = timeless(100_000, seed=1)
    rows[90_000, :2] = rows[3, :2]
    with pytest.raises(ValueError, match="row 90000 stands there twice"):
        table_from(rows)
    rows[70_000, :2] = 0
    with pytest.raises(ValueError, match="row 70000 is zero, which is no id"):
        table_from(rows)


# Beside another thread


def test_memory_found_ahead_by_another_thread_changes_nothing() -> None:
    rows, table, is_done = timeless(1_000_000, seed=1), new_table(1), threading.Event()

    def go_ahead() -> None:
        while not is_done.is_set():
            populate_ahead(table, 200_000)

    helper = threading.Thread(target=go_ahead)
    helper.start()
    try:
        assert taken(table, rows) is table
    finally:
        is_done.set()
        helper.join()
    assert (content_of(table, 0) == content_of_rows(rows, 0)).all()
    populate_ahead(small_table(), 10**9)
