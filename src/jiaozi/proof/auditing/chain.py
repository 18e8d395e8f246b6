"""The chain of checkpoints: each names the hash of the one before it, so a change of the past shows.

The notes come from anywhere: the issuer's site, a witness's copy, a cutting from a
newspaper. Two copies of one note are one note with the signatures of both. Two
*different* notes for one evening are a fork: somebody was shown another total, and
the two texts with their signatures prove it. Time and memory grow with the number
of notes, not with its square, whatever they say.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from jiaozi.errors import ProofError
from jiaozi.money import format_fen
from jiaozi.proof import verify_jiaozi
from jiaozi.proof.auditing.keyring import Keyring
from jiaozi.proof.auditing.origins import Shared, Signed, shared_keys
from jiaozi.proof.auditing.unread import Unread, unread
from jiaozi.proof.checkpoint import Checkpoint, checkpoint_hash, parse
from jiaozi.proof.verify_jiaozi import FAILS, HOLDS, UNREADABLE, UNSIGNED

SIZE_LIMIT = verify_jiaozi.SIZE_LIMIT
"""The most bytes a note may have; one with hundreds of signatures stays below."""

FIRST_EPOCH = 1
LISTED = 3
"""So many files or notes are named in a sentence; the rest is counted, and stands in `Fault.files`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, or worth knowing, in words; *files* are the names as they were handed in.

    *kind* is one of unreadable, signature, fork, gap, previous, backwards, unit,
    accounts, origin; of what is only told: start, reserve, law, and origin or unreadable
    where no key given has signed.
    """

    kind: str
    files: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Link:
    """One checkpoint, however many files have it. *note* has the signatures of all of them.

    *signed_by* are the owners of keys given whose signature fits; *signatures_by* are
    all names below the note, which anybody may have put there.
    """

    stated: Checkpoint
    hash: bytes
    note: str
    files: tuple[str, ...]
    signed_by: tuple[str, ...]
    signatures_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """The checkpoints of one coin under one origin, by epoch; more than one of an epoch is a fork."""

    origin: str
    coin: str
    links: tuple[Link, ...]
    faults: tuple[Fault, ...]
    told: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found. *names* are the owners of the keys that were given."""

    chains: tuple[Chain, ...]
    unreadable: tuple[Fault, ...]
    names: tuple[str, ...]

    @property
    def status(self) -> int:
        """0 all whole; 1 a fault; 2 a file that is no note, or no note at all; 3 whole, but no key was given."""
        if any(chain.faults for chain in self.chains):
            return FAILS
        if self.unreadable or not self.chains:
            return UNREADABLE
        return HOLDS if self.names else UNSIGNED


@dataclass(slots=True)
class _Seen:
    """One text while files are still read. *lines* are (name, signature) in the order they were found."""

    stated: Checkpoint
    text: str
    files: list[str] = field(default_factory=list)
    lines: dict[tuple[str, bytes], bool] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def audit(notes: Iterable[tuple[str, bytes | str]], verifier_keys: Sequence[str] = ()) -> Audit:
    """Return what is wrong between *notes*, (name of the file, its content) each, of any number of coins.

    Every owner of *verifier_keys* must have signed every note, with one of his keys.
    Raises `ProofError` for a key that is none.
    """
    keyring = Keyring(verifier_keys)
    chains: dict[tuple[str, str], dict[int, dict[str, _Seen]]] = {}
    unreadable = []
    beside: list[tuple[str, Unread]] = []
    for name, data in notes:
        try:
            note = _decoded(data)
            stated = parse(note)
            text, _, signatures = verify_jiaozi.read_note(note)
        except ProofError as error:
            unreadable.append(Fault("unreadable", (name,), f"{shown(name)} is no checkpoint: {error}"))
            raw = data if isinstance(data, bytes) else data.encode(errors="replace")
            said = unread(raw[:SIZE_LIMIT], keyring)
            beside += [(name, said)] if said else []
            continue
        epochs = chains.setdefault((stated.origin, stated.coin), {})
        seen = epochs.setdefault(stated.epoch, {}).setdefault(text, _Seen(stated, text))
        seen.files.append(name)
        _check_copy(seen, signatures, name, keyring)
    found = {key: _chain(chains[key], keyring) for key in sorted(chains)}
    for name, said in beside:
        _tell_beside(found, name, said)
    for shared in shared_keys(_signed(chains), keyring):
        _tell_shared(found, shared, is_checked=bool(keyring.names))
    return Audit(tuple(found.values()), tuple(unreadable), keyring.names)


def merge(note: str, other: str) -> str:
    """Return *note* with the signatures of *other* that it does not have.

    Raises `ProofError` if the two are not copies of one checkpoint, or if there are
    two signatures with one key: one of them is wrong, and `audit` with the key says which.
    """
    text, lines = _parts(note)
    other_text, other_lines = _parts(other)
    if text != other_text:
        hashes = f"{checkpoint_hash(note).hex()} and {checkpoint_hash(other).hex()}"
        raise ProofError(f"these are two checkpoints and not copies of one: {hashes}")
    united = list(dict.fromkeys([*lines, *other_lines]))
    keys = [(name, signature[:4]) for name, signature in united]
    for name, key_hash in keys:
        if keys.count((name, key_hash)) > 1:
            raise ProofError(
                f"there are two signatures of {name} with one key; audit both files with that key"
            )
    return _note(text, united)


def shown(name: str) -> str:
    """Return *name* with whatever a terminal would act upon, or could not show, escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


# 1. Reading.


def _decoded(data: bytes | str) -> str:
    raw = data if isinstance(data, bytes) else data.encode(errors="surrogatepass")
    if len(raw) > SIZE_LIMIT:
        raise ProofError(f"it is larger than {SIZE_LIMIT:,} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ProofError("it is not text in UTF-8") from None


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    parse(note)
    text, _, signatures = verify_jiaozi.read_note(note)
    return text, signatures


def _note(text: str, lines: Iterable[tuple[str, bytes]]) -> str:
    written = [f"— {name} {base64.b64encode(data).decode()}\n" for name, data in lines]
    return text + ("\n" if written else "") + "".join(written)


def _check_copy(seen: _Seen, signatures: list[tuple[str, bytes]], file: str, keyring: Keyring) -> None:
    """Note the signatures of one copy; those that the keys given find wrong are faults of this file alone."""
    known = Counter((who, data[:4]) for who, data in signatures if keyring.knows(who, data))
    place = f"epoch {seen.stated.epoch}, {shown(file)}"
    for (who, _), times in known.items():
        if times > 1:
            seen.faults.append(Fault("signature", (file,), f"{place}: {who} has signed twice with one key"))
    for who, data in signatures:
        if (who, data) not in seen.lines:
            seen.lines[who, data] = keyring.fits(who, data, seen.text)
        if keyring.knows(who, data) and not seen.lines[who, data]:
            sentence = f"{place}: the signature of {who} does not fit the checkpoint"
            seen.faults.append(Fault("signature", (file,), sentence))


# 2. One chain.


def _chain(epochs: dict[int, dict[str, _Seen]], keyring: Keyring) -> Chain:
    faults: list[Fault] = []
    told: list[Fault] = []
    links: dict[int, list[Link]] = {}
    for epoch in sorted(epochs):
        links[epoch] = []
        for _, seen in sorted(epochs[epoch].items()):
            link = _link(seen, keyring)
            links[epoch].append(link)
            faults += [*seen.faults, *_missing(link, keyring)]
            _check_reserve(link, told)
    numbers = list(links)
    for link in links[numbers[0]]:
        _check_start(link, faults, told)
    faults += [_fork(each, is_checked=bool(keyring.names)) for each in links.values() if len(each) > 1]
    for before, epoch in pairwise(numbers):
        if epoch - before > 1:
            faults.append(_gap(links[before][-1], links[epoch][0]))
        hashes = {link.hash: link for link in links[before]}
        for link in links[epoch]:
            _check_previous(link, hashes, links[before], faults)
            _check_step(hashes.get(link.stated.previous or b"", links[before][-1]), link, faults, told)
    every = tuple(link for epoch in numbers for link in links[epoch])
    return Chain(every[0].stated.origin, every[0].stated.coin, every, tuple(faults), tuple(told))


def _link(seen: _Seen, keyring: Keyring) -> Link:
    fitting = {who for (who, _), fits in seen.lines.items() if fits}
    # A signature that a key given finds wrong is left out, so that a bad copy cannot spoil the good one.
    kept = [(who, data) for (who, data), fits in seen.lines.items() if fits or not keyring.knows(who, data)]
    return Link(
        stated=seen.stated,
        hash=checkpoint_hash(seen.text),
        note=_note(seen.text, kept),
        files=tuple(seen.files),
        signed_by=tuple(name for name in keyring.names if name in fitting),
        signatures_by=tuple(dict.fromkeys(who for who, _ in seen.lines)),
    )


def _missing(link: Link, keyring: Keyring) -> list[Fault]:
    """Return a fault for every owner of a key whose signature is in no copy, or in none as it should be."""
    return [
        Fault("signature", link.files, f"epoch {_place(link)}: {name} has not signed it with a key given")
        for name in keyring.names
        if name not in link.signed_by
    ]


def _fork(links: list[Link], *, is_checked: bool) -> Fault:
    def side(link: Link) -> str:
        names = link.signed_by if is_checked else link.signatures_by
        signed = f"signed by {', '.join(names)}" if names else "signed by nobody known"
        return f"{link.hash.hex()} in {_files(link)} ({signed}{'' if is_checked else ', not checked'})"

    sides = [side(link) for link in links[:LISTED]]
    sides += [f"{len(links) - LISTED:,} more"] if len(links) > LISTED else []
    files = tuple(name for link in links for name in link.files)
    sentence = f"fork at epoch {links[0].stated.epoch}: {' and '.join(sides)}"
    return Fault("fork", files, f"{sentence}; keep the files as they are: two signed notes are evidence")


def _gap(before: Link, after: Link) -> Fault:
    first, last = before.stated.epoch + 1, after.stated.epoch - 1
    missing = f"epoch {first} is" if first == last else f"epochs {first} to {last} are"
    sentence = f"{missing} missing between {_files(before)} and {_files(after)}"
    return Fault("gap", (*before.files, *after.files), sentence)


def _check_start(link: Link, faults: list[Fault], told: list[Fault]) -> None:
    epoch, previous = link.stated.epoch, link.stated.previous
    if previous is not None:
        sentence = f"epoch {_place(link)} is the first note found, and names one before it: {previous.hex()}"
        faults.append(Fault("gap", link.files, sentence))
    elif epoch != FIRST_EPOCH:
        sentence = f"the chain starts at epoch {_place(link)}, and not at epoch {FIRST_EPOCH}"
        told.append(Fault("start", link.files, sentence))


def _check_previous(link: Link, hashes: dict[bytes, Link], before: list[Link], faults: list[Fault]) -> None:
    previous, earlier = link.stated.previous, before[-1].stated.epoch
    if previous is None:
        sentence = f"epoch {_place(link)} says that there is no note before it, but there is epoch {earlier}"
        faults.append(Fault("previous", (*link.files, *before[-1].files), sentence))
    elif earlier == link.stated.epoch - 1 and previous not in hashes:
        sentence = (
            f"epoch {_place(link)} names {previous.hex()} as the note before it; "
            f"epoch {_place(before[-1])} is {before[-1].hash.hex()}"
        )
        faults.append(Fault("previous", (*link.files, *before[-1].files), sentence))


def _check_step(before: Link, link: Link, faults: list[Fault], told: list[Fault]) -> None:
    """Compare a note with the one before it: time and journal go forward, the unit stays, no account leaves."""
    old, new = before.stated, link.stated
    where, files = f"epoch {_place(link)}", (*before.files, *link.files)
    after = f"after epoch {_place(before)}"

    def fault(kind: str, sentence: str) -> None:
        faults.append(Fault(kind, files, f"{where}: {sentence}, {after}"))

    if new.instant < old.instant:
        fault(
            "backwards", f"the instant goes back from {old.instant.isoformat()} to {new.instant.isoformat()}"
        )
    if new.journal_sequence < old.journal_sequence:
        fault("backwards", f"the journal goes back from {old.journal_sequence:,} to {new.journal_sequence:,}")
    elif new.journal_sequence == old.journal_sequence and new.journal_hash != old.journal_hash:
        fault("backwards", f"the journal has another hash at the same place, {new.journal_sequence:,}")
    if new.unit != old.unit:
        fault("unit", f"the unit changes from {old.unit} to {new.unit}")
    if new.accounts < old.accounts:
        fault("accounts", f"there are {new.accounts:,} accounts where {old.accounts:,} were")
    if new.law_is_draft and not old.law_is_draft:
        told.append(Fault("law", files, f"{where}: the law is a draft; it was in force {after}"))


def _check_reserve(link: Link, told: list[Fault]) -> None:
    stated = link.stated
    if stated.reserve_fen < stated.total_fen:
        reserve, total = (format_fen(fen, stated.unit) for fen in (stated.reserve_fen, stated.total_fen))
        sentence = f"epoch {_place(link)} states a reserve of {reserve}, less than the total of {total}"
        told.append(Fault("reserve", link.files, sentence))


# 3. What several files or chains have in common.


def _add(found: dict[tuple[str, str], Chain], key: tuple[str, str], fault: Fault, *, is_fault: bool) -> None:
    chain = found[key]
    if is_fault:
        found[key] = replace(chain, faults=(*chain.faults, fault))
    else:
        found[key] = replace(chain, told=(*chain.told, fault))


def _tell_beside(found: dict[tuple[str, str], Chain], name: str, said: Unread) -> None:
    """Tell of a file that cannot be read and says that it is one of the evenings of a chain."""
    key = said.origin, said.coin
    links = [link for link in found[key].links if link.stated.epoch == said.epoch] if key in found else []
    # With the text of a link it is a copy with a spoiled signature line, and says nothing else.
    if not links or said.hash in (link.hash for link in links):
        return
    beside = f"beside epoch {_place(links[0])} there is {shown(name)}, which says that it is this epoch"
    files = (*(each for link in links for each in link.files), name)
    if said.signed_by:
        sentence = f"{beside}, cannot be read, and is signed by {', '.join(said.signed_by)}; keep both files"
        _add(found, key, Fault("fork", files, sentence), is_fault=True)
    else:
        sentence = f"{beside} and cannot be read; no key given has signed it"
        _add(found, key, Fault("unreadable", files, sentence), is_fault=False)


def _signed(chains: dict[tuple[str, str], dict[int, dict[str, _Seen]]]) -> Iterator[Signed]:
    for (origin, coin), epochs in chains.items():
        for epoch, texts in epochs.items():
            for seen in texts.values():
                place = f"epoch {epoch}, {shown(seen.files[0])}"
                files = tuple(seen.files)
                yield Signed(origin, coin, seen.stated.unit, place, files, seen.text, tuple(seen.lines))


def _tell_shared(found: dict[tuple[str, str], Chain], shared: Shared, *, is_checked: bool) -> None:
    sides = [
        f"{note.origin} ({note.place}) as {name}"
        for note, name in zip(shared.notes[:LISTED], shared.names, strict=False)
    ]
    sides += [f"{len(shared.notes) - LISTED:,} more"] if len(shared.notes) > LISTED else []
    count = "two" if len(shared.notes) == 2 else f"{len(shared.notes):,}"
    sentence = (
        f"one key signed checkpoints of {count} origins for one coin, {shared.coin} {shared.unit}: "
        f"of {' and of '.join(sides)}{'' if is_checked else ' (not checked)'}"
    )
    fault = Fault("origin", tuple(file for note in shared.notes for file in note.files), sentence)
    for note in shared.notes:
        _add(found, (note.origin, note.coin), fault, is_fault=is_checked)


def _place(link: Link) -> str:
    return f"{link.stated.epoch} ({_files(link)})"


def _files(link: Link) -> str:
    more = len(link.files) - LISTED
    return ", ".join(map(shown, link.files[:LISTED])) + (f" and {more:,} more" if more > 0 else "")
