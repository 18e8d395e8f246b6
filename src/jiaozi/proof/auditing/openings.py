"""Openings: what an auditor gets of a bucket that was drawn, and what he states about it.

An opening has account numbers, balances and nonces, no names and no keys. With it
every hash of the bucket can be made again; it shows balances, so it is not
published. The audit statement is: it names the buckets, the random value that drew
them, and the digest of each opening, so that an opening can be held against it later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jiaozi.errors import ProofError
from jiaozi.proof import plain, strict, verify_jiaozi
from jiaozi.proof.auditing import sampling
from jiaozi.proof.checkpoint import checkpoint_hash
from jiaozi.proof.places import BUCKET_SIZE, Places
from jiaozi.proof.plain import EMPTY_HASH, SUM_LIMIT, Balances, leaf_of
from jiaozi.proof.silent import above_text, inside_levels, places_of, same_tree
from jiaozi.proof.tree import Tree, sibling_rows
from jiaozi.proof.verify_jiaozi import FAILS, HASH, NODE, NUMBER, StepError, fit, need
from jiaozi.proof.wholesale import limit_of

FORMAT = "jiaozi-opening-2"

SIZE_LIMIT = 512 * 1_024
"""Bytes of an opening: 4,096 members with 131 kB of nonces and two numbers each."""

FORM: dict[str, Any] = {
    "format": FORMAT,
    "checkpoint": HASH,
    "bucket": NUMBER,
    "bucket_sum": NUMBER,
    "accounts": NUMBER,
    "balances": NUMBER,
    "nonces": "[A-Za-z0-9+/]{1,131072}",
    "above": [NODE] * 3,
}


WITHOUT_ACCOUNTS = "there are no accounts, so the total has to be 0 and the root that of an empty tree"


@dataclass(frozen=True, slots=True)
class Opened:
    """One bucket that was made again, of which only what is needed later is kept.

    *wholesale* are its account numbers if it is a wholesale bucket; *with_coins* has a
    bit for each place, set if the balance there is not 0; *above_share* accounts have more of the bucket
    than the share allows.
    """

    number: int
    members: int
    wholesale: NDArray[np.int64] = field(repr=False)
    with_coins: NDArray[np.uint8] = field(repr=False)
    above_share: int
    digest: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What opening the buckets that were drawn has shown.

    *findings* are sentences about what does not hold; none has a balance in it.
    *told* is what is no fault and should be known. *accounts* is how many were seen.
    """

    values: dict[str, str] = field(repr=False)
    checkpoint: str
    public_random: str
    share: Fraction
    confidence: Fraction
    buckets: tuple[int, ...] = field(repr=False)
    accounts: int
    chance: Decimal
    digests: tuple[str, ...] = field(repr=False)
    above_share: int
    findings: tuple[str, ...]
    told: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def file_name(bucket: int) -> str:
    """Return the name under which the opening of *bucket* is handed over."""
    return f"bucket-{bucket:06d}.opening.json"


def opening_text(tree: Tree, balances: Balances, bucket: int, note: str) -> str:
    """Return the opening of bucket number *bucket*; *balances* are those of the tree.

    Raises `ProofError` if they are not, or if *note* is not the tree's checkpoint.
    """
    same_tree(tree, note)
    members = tree.bucket(balances, bucket)
    accounts: list[int] = members.accounts.tolist()
    nonces = [plain.nonce_of(plain.account_key(tree.master, account), tree.epoch) for account in accounts]
    return strict.written(
        {
            "format": FORMAT,
            "checkpoint": checkpoint_hash(note).hex(),
            "bucket": str(bucket),
            "bucket_sum": str(int(tree.levels[0].sums[bucket])),
            "accounts": [str(account) for account in accounts],
            "balances": [str(fen) for fen in members.balances.tolist()],
            "nonces": strict.pieces_text(nonces),
            "above": above_text(tree, bucket),
        }
    )


def check_opening(text: str | bytes, note: str) -> Opened:
    """Return the bucket in *text*, every hash of which was made again up to the root of *note*.

    Raises `ProofError` with what is wrong.
    """
    try:
        return _check_opening(text, verify_jiaozi.read_note(note)[1], checkpoint_hash(note).hex())
    except StepError as step:
        raise ProofError(step.args[0]) from None


def _check_opening(text: str | bytes, values: dict[str, str], checkpoint: str) -> Opened:
    file = strict.read(text, what="opening", size_limit=SIZE_LIMIT)
    lists = {name: strict.rows_of(file.get(name), FORM[name]) for name in ("accounts", "balances", "above")}
    fit(file, {**FORM, **lists}, "opening")
    need(file["checkpoint"] == checkpoint, "the opening is of another checkpoint")
    places, number = places_of(values), int(file["bucket"])
    need(number < places.buckets, f"bucket {number} is not one of the {places.buckets:,} buckets")
    accounts, balances = list(map(int, file["accounts"])), list(map(int, file["balances"]))
    members = places.members(number)
    need(len(accounts) == len(members), f"the opening has {len(accounts):,} accounts, not {len(members):,}")
    need(len(balances) == len(members), f"the opening has {len(balances):,} balances, not {len(members):,}")
    if number < places.ordinary_buckets:
        need(accounts == list(members), f"the accounts are not those of bucket {number}")
    else:
        ordered = all(one < other for one, other in pairwise(accounts))
        need(ordered and accounts[-1] < places.accounts, "the wholesale accounts are not in their order")
    nonces = strict.pieces_of(file["nonces"], len(members), 24, "opening.nonces")
    bucket_sum = sum(balances)
    need(bucket_sum < SUM_LIMIT, "the balances add up to 2^63 fen or more", FAILS)
    need(bucket_sum == int(file["bucket_sum"]), "the balances do not add up to the sum of the bucket", FAILS)
    _climb(file, values, accounts, balances, nonces, members[0])
    most = limit_of(bucket_sum, int(values["wholesale"].split(" ")[1]))
    above = sum(fen > most for fen in balances) if places.buckets > 1 else 0
    data = text if isinstance(text, bytes) else text.encode()
    wholesale = accounts if number >= places.ordinary_buckets else []
    return Opened(
        number=number,
        members=len(accounts),
        wholesale=np.array(wholesale, dtype=np.int64),
        with_coins=np.packbits([fen != 0 for fen in balances]),
        above_share=above,
        digest=sha256(data).hexdigest(),
    )


def _climb(
    file: dict[str, Any],
    values: dict[str, str],
    accounts: list[int],
    balances: list[int],
    nonces: list[bytes],
    position: int,
) -> None:
    """Make the bucket's hashes and let the verifier climb from its first place to the root.

    One climb is enough: all leaves are in the hash at the top of the bucket.
    """
    epoch = int(values["epoch"])
    leaves = [
        leaf_of(epoch=epoch, account=account, balance_fen=fen, nonce=nonce)
        for account, fen, nonce in zip(accounts, balances, nonces, strict=True)
    ]
    levels = inside_levels(leaves + [EMPTY_HASH] * (BUCKET_SIZE - len(leaves)))
    rows = zip(levels, sibling_rows(BUCKET_SIZE, 0), strict=False)
    first = {
        "account": str(accounts[0]),
        "position": str(position),
        "balance": str(balances[0]),
        "nonce": nonces[0].hex(),
        "bucket_sum": file["bucket_sum"],
        "inside": [[level[i].hex() for i in row] for level, row in rows],
        "above": file["above"],
    }
    verify_jiaozi.climb(first, values)


def audit(
    openings: Iterable[tuple[str, bytes]],
    note: str,
    *,
    public_random: str,
    share: Fraction,
    confidence: Fraction,
    progress: Callable[[int], None] | None = None,
) -> Audit:
    """Return what *openings*, name and bytes of each, show about the checkpoint *note*.

    They have to be exactly those that *public_random* draws; every bucket is made
    again. *progress* is told after each opening. Raises `ProofError` if the
    checkpoint, the random value or the size of the sample cannot be read, and if
    the checkpoint asks for more buckets than anybody opens.
    """
    drawn = sampling.draw(note, public_random, sampling.sample_size(share, confidence))
    values = verify_jiaozi.read_note(note)[1]
    places = places_of(values)
    opened: dict[int, Opened] = {}
    findings = [] if agrees_if_empty(values) else [WITHOUT_ACCOUNTS]
    told: list[str] = []
    for given_name, data in openings:
        # The name of a file may be anything; a finding is shown, and published.
        name = "".join(letter if letter.isprintable() else "?" for letter in given_name)
        try:
            one = check_opening(data, note)
        except ProofError as error:
            findings.append(f"{name}: {error}")
        else:
            if one.number not in drawn:
                findings.append(f"{name}: bucket {one.number} was not drawn")
            if one.number in opened:
                findings.append(f"{name}: bucket {one.number} is there twice")
            opened[one.number] = one
        if progress is not None:
            progress(1)
    missing = [number for number in drawn if number not in opened]
    if missing:
        some = ", ".join(map(str, missing[:8])) + (", ..." if len(missing) > 8 else "")
        findings.append(f"{len(missing):,} of {len(drawn):,} buckets drawn were not opened: {some}")
    for number in (number for number in drawn if number in opened and opened[number].above_share):
        kind = "bucket" if number < places.ordinary_buckets else "wholesale bucket"
        sentence = f"{kind} {number}: {opened[number].above_share} stand out with more than the share allows"
        (findings if number < places.ordinary_buckets else told).append(sentence)
    findings += _wholesale_findings(opened, places)
    those = [opened[number] for number in drawn if number in opened]
    return Audit(
        values=values,
        checkpoint=checkpoint_hash(note).hex(),
        public_random=public_random,
        share=share,
        confidence=confidence,
        buckets=drawn,
        accounts=_accounts_seen(those, places),
        chance=sampling.chance(
            places.ordinary_buckets, share, sum(number < places.ordinary_buckets for number in drawn)
        ),
        digests=tuple(one.digest for one in those),
        above_share=sum(one.above_share for one in those),
        findings=tuple(findings),
        told=tuple(told),
    )


def agrees_if_empty(values: dict[str, str]) -> bool:
    """Return whether a checkpoint with *values* has accounts, or else nothing in total and the empty root.

    Without accounts there is no bucket to open, and no holder whose proof could fail.
    """
    return values["accounts"] != "0" or (values["total"], values["root"]) == ("0", EMPTY_HASH.hex())


def _wholesale_findings(opened: dict[int, Opened], places: Places) -> list[str]:
    """Return what is wrong with second leaves: an account twice, or with a balance in both places."""
    buckets = range(places.ordinary_buckets, places.buckets)
    if any(number not in opened for number in buckets) or not buckets:
        return []
    ranked = np.zeros(places.wholesale, dtype=np.int64)
    for number in buckets:
        ranked[number - places.ordinary_buckets :: len(buckets)] = opened[number].wholesale
    findings = []
    if (np.diff(ranked) <= 0).any():
        findings.append("the wholesale accounts are not in the order of their numbers, or one is there twice")
    both = 0
    for account in ranked.tolist():
        place, number = divmod(account, places.ordinary_buckets)
        ordinary = opened.get(number)
        both += ordinary is not None and bool(ordinary.with_coins[place // 8] >> (7 - place % 8) & 1)
    if both:
        findings.append(f"{both:,} wholesale accounts have a balance in their ordinary bucket too")
    return findings


def _accounts_seen(opened: list[Opened], places: Places) -> int:
    """Return how many accounts are in *opened*, each counted once."""
    ordinary = {one.number: one.members for one in opened if one.number < places.ordinary_buckets}
    seconds = {account for one in opened for account in one.wholesale.tolist()}
    return sum(ordinary.values()) + sum(
        account % places.ordinary_buckets not in ordinary for account in seconds
    )
