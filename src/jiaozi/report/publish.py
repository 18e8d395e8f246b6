"""What is published: every checkpoint with its signatures, the figures in words, and the means to check them.

    index.html        the newest checkpoint in words, how to check, what is not proven; index.zh.html in Chinese
    disclosure.json   the same figures for programs, with date and source; disclosure.html
    checkpoints/      every signed note, `latest`, and a page with all hashes
    audit/            statements of auditors who drew a sample; never the openings, which have balances
    keys.txt          the verifier keys
    verify.html       a page that checks a proof; verify_jiaozi.py does the same in Python
    SHA256SUMS        a hash of every file
    publication.json  says whose publication the folder is

The notes come from the office and from the publication itself, where a witness may
have signed since. Nothing is published over a chain that is broken.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jiaozi.errors import ProofError
from jiaozi.proof import keys, verify_jiaozi
from jiaozi.proof.auditing.chain import SIZE_LIMIT, Chain, audit, shown
from jiaozi.proof.auditing.keyring import Keyring
from jiaozi.report.site import folder as places
from jiaozi.report.site import pages
from jiaozi.report.site.audits import Sampled, read_audits
from jiaozi.report.site.days import Day, Signatory, disclosure

ROLES = ("issuer", "supervisor")
NOTE_NAME = re.compile(r"([A-Za-z0-9._-]{1,64})-([0-9]{6,10})\.checkpoint")


@dataclass(frozen=True, slots=True)
class Published:
    """What lies in the folder now. *changed* files are new or other than before."""

    coin: str
    origin: str
    epoch: int
    checkpoints: int
    audits: int
    files: int
    changed: int
    names: tuple[str, ...]
    told: tuple[str, ...]


def coins_in(office: Path) -> list[str]:
    """Return the coins of which the folder *office* has checkpoints."""
    names = (path.name for path in (office / "checkpoints").glob("*.checkpoint"))
    return sorted({found[1] for name in names if (found := NOTE_NAME.fullmatch(name))})


def publish(office: Path, to: Path, coin_id: str, verifier_keys: Sequence[str] = ()) -> Published:
    """Write the publication of *coin_id* from the folder *office* into *to*.

    All keys in `office/keys` that signed, and all *verifier_keys*, must have signed every
    checkpoint. Raises `ProofError`, having changed nothing, if the chain is broken, if no key
    is known, or if *to* holds anything else.
    """
    notes = list(_notes(office / "checkpoints", coin_id))
    if not notes:
        raise ProofError(f"{office} has no checkpoint of {coin_id}; close an evening first")
    signatories = [*_of_office(office / "keys", (data for _, data in notes))]
    signatories += [Signatory("", key.split("+")[0], key) for key in verifier_keys]
    Keyring(verifier_keys)
    signatories = list({each.verifier_key: each for each in reversed(signatories)}.values())[::-1]
    if not signatories:
        raise ProofError("no key is known that signed; name the signers' verifier keys with --key")
    to = to.resolve()
    with places.locked(to):
        left = places.restore(to)
        places.check(to, coin_id)
        notes += _notes(to / "checkpoints", coin_id)
        notes += _notes(left / "checkpoints", coin_id) if left else []
        chain = _whole(notes, signatories, coin_id)
        days = [Day.of(link) for link in chain.links]
        notes_of = {day.stated.epoch: day.note for day in days}
        audits = read_audits(office / "checkpoints" / "audits", coin_id, notes_of)
        site = site_of(days, signatories, audits)
        changed = places.put(site, to)
    return Published(
        coin=chain.coin,
        origin=chain.origin,
        epoch=days[-1].stated.epoch,
        checkpoints=len(days),
        audits=len(audits),
        files=len(site),
        changed=changed,
        names=days[-1].signed_by,
        told=tuple(told.sentence for told in chain.told),
    )


def site_of(
    days: Sequence[Day], signatories: Sequence[Signatory], audits: Sequence[Sampled]
) -> dict[str, bytes]:
    """Return every file of the publication of *days* (oldest first, not empty) with its content."""
    newest = days[-1]
    proof = Path(verify_jiaozi.__file__).parent
    site = {day.file: day.note.encode() for day in days}
    site["checkpoints/latest"] = newest.note.encode()
    site["disclosure.json"] = disclosure(days, signatories).encode()
    site["keys.txt"] = pages.keys_text(newest.stated.coin, signatories).encode()
    for name in ("verify_jiaozi.py", "verify.html"):
        if (proof / name).exists():
            site[name] = (proof / name).read_bytes()
    site |= {f"audit/{each.name}": each.data for each in audits}
    site |= pages.all_pages(days, signatories, audits, has_page="verify.html" in site)
    site[places.MARKER] = places.marker(newest.stated.coin, newest.stated.origin)
    site[places.SUMS] = places.sums(site)
    return site


def _notes(folder: Path, coin_id: str) -> Iterable[tuple[str, bytes]]:
    for path in sorted(folder.glob("*.checkpoint")):
        found = NOTE_NAME.fullmatch(path.name)
        if found and found[1] == coin_id:
            yield str(path), _content(path, SIZE_LIMIT + 1)


def _content(path: Path, limit: int) -> bytes:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ProofError(f"{shown(str(path))} is no plain file; nothing is published")
    with path.open("rb") as file:
        return file.read(limit)


def _of_office(folder: Path, notes: Iterable[bytes]) -> Iterable[Signatory]:
    """Yield who signed with a key of the office. Names come from the notes: a key file has none."""
    lines: dict[tuple[str, bytes], None] = {}
    for data in notes:
        found = re.findall("(?m)^— ([!-*,-~]{1,200}) ([A-Za-z0-9+/=]+)$", data.decode(errors="replace"))
        lines |= {(name, verify_jiaozi.plain_base64(code)[:4]): None for name, code in found}
    for role in ROLES:
        path = folder / f"{role}.pem"
        if path.exists():
            private_key = keys.load(path, role).private_key
            for name, key_hash in lines:
                if keys.key_hash(name, private_key) == key_hash:
                    yield Signatory(role, name, keys.verifier_key(name, private_key))


def _whole(notes: Sequence[tuple[str, bytes]], signatories: Sequence[Signatory], coin_id: str) -> Chain:
    """Return the one chain in *notes*. Raises `ProofError` with the first faults if it is not whole."""
    found = audit(notes, [each.verifier_key for each in signatories])
    faults = [*found.unreadable, *(fault for chain in found.chains for fault in chain.faults)]
    sentences = [fault.sentence for fault in faults[:5]]
    sentences += [f"and {len(faults) - 5:,} more"] if len(faults) > 5 else []
    if len(found.chains) > 1:
        names = ", ".join(f"{chain.coin} of {chain.origin}" for chain in found.chains[:5])
        sentences.append(f"there is more than one chain under this name: {names}")
    elif found.chains and found.chains[0].coin != coin_id:
        sentences.append(f"the notes named {coin_id} are of {found.chains[0].coin}")
    if sentences:
        lines = "".join(f"\n  {sentence}" for sentence in sentences)
        raise ProofError(f"the chain of checkpoints is broken; nothing is published:{lines}")
    return found.chains[0]
