"""The options of `jiaozi checkpoint`, `publish` and `prove`; they load nothing."""

from __future__ import annotations

import argparse


def checkpoint(checkpoint: argparse.ArgumentParser) -> None:
    """Add the words of `jiaozi checkpoint`."""
    verbs = checkpoint.add_subparsers(dest="verb", metavar="VERB", required=True)
    audit = verbs.add_parser("audit", help="find forks, gaps and missing signatures in a chain")
    show = verbs.add_parser("show", help="print one in words")
    sign = verbs.add_parser("sign", help="add a signature")
    key = verbs.add_parser("key", help="make a key, or print the line to check its signatures with")
    audit.add_argument("path", nargs="+", metavar="PATH", help="a note, or a folder with *.checkpoint files")
    for verb in (show, sign):
        verb.add_argument("file", metavar="FILE", help="the note")
    for verb in (audit, show, sign):
        verb.add_argument(
            "--key", action="append", default=[], metavar="VKEY", help="key that must have signed; repeat it"
        )
    for verb in (audit, show, sign, key):
        verb.add_argument("--json", action="store_true", help="print one JSON object")
    sign.add_argument("--key-file", required=True, metavar="KEY", help="file of your private key")
    which = key.add_mutually_exclusive_group(required=True)
    which.add_argument("--create", metavar="FILE", help="make a new key and write it there")
    which.add_argument("--file", metavar="FILE", help="a key that is there already")
    for verb in (sign, key):
        verb.add_argument("--name", required=True, help="who signs, e.g. witness.example/eyuan")


def publish(publish: argparse.ArgumentParser) -> None:
    """Add the words of `jiaozi publish`."""
    publish.add_argument("to", metavar="DIR", help="the folder of the site: new, empty, or published before")
    publish.add_argument("--folder", default="var/pilot", help="the office (default: var/pilot)")
    publish.add_argument("--coin", metavar="ID", help="which coin, where the office has several")
    publish.add_argument(
        "--key", action="append", default=[], metavar="VKEY", help="key of a signer that is not in the office"
    )
    publish.add_argument("--json", action="store_true", help="print one JSON object")


def prove(prove: argparse.ArgumentParser) -> None:
    """Add the words of `jiaozi prove`."""
    verbs = prove.add_subparsers(dest="verb", metavar="VERB", required=True)
    evening = verbs.add_parser("evening", help="close the day: cut, build, sign the checkpoint")
    proof = verbs.add_parser("proof", help="print the proof of an account under the newest checkpoint")
    bucket = verbs.add_parser("bucket", help="print the file of a bucket, for silent checks")
    key = verbs.add_parser("key", help="print the key of an account, for its holder")
    opening = verbs.add_parser("open", help="write the buckets that a random value draws, for an auditor")
    audit = verbs.add_parser("audit", help="make drawn buckets again; or check what an auditor states")
    recompute = verbs.add_parser("recompute", help="make the whole tree again and compare the checkpoint")
    for verb in (bucket, key, opening):
        verb.add_argument("folder", metavar="FOLDER", help="the office")
    for verb in (bucket, opening):
        verb.add_argument("--coin", metavar="ID", help="which coin, where the office has several")
        verb.add_argument("--epoch", metavar="N", help="which checkpoint (default: the newest)")
    which = bucket.add_mutually_exclusive_group(required=True)
    which.add_argument("bucket", nargs="?", metavar="N", help="number of the bucket")
    which.add_argument("--account", metavar="ACCOUNT", help="the bucket that has the balance of this account")
    key.add_argument("account", metavar="ACCOUNT", help="number of the account")
    opening.add_argument("--to", required=True, metavar="DIR", help="a new folder; what is in it is private")
    audit.add_argument("folder", nargs="?", metavar="DIR", help="the folder of the openings")
    audit.add_argument("--statement", metavar="FILE", help="check this audit statement instead")
    audit.add_argument("--to", default=".", metavar="FOLDER", help="where the statement goes (default: here)")
    for verb in (opening, audit):
        verb.add_argument(
            "--random",
            metavar="TEXT",
            required=verb is opening,
            help="public value, later than the checkpoint: a lottery draw, a beacon round",
        )
        verb.add_argument(
            "--share", default="1", metavar="P", help="percent of the buckets that lie (default: 1)"
        )
        verb.add_argument(
            "--confidence", default="99", metavar="P", help="percent with which it is caught (default: 99)"
        )
    audit.add_argument("--checkpoint", metavar="NOTE", help="the published checkpoint")
    recompute.add_argument("--checkpoint", required=True, metavar="NOTE", help="the published checkpoint")
    source = recompute.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--journal", metavar="FOLDER", help="an office or a journal, folded from its first frame"
    )
    source.add_argument("--balances", metavar="FILE", help=".npy of int64 or uint64: fen, by account number")
    recompute.add_argument("--master", required=True, metavar="FILE", help="file of the master key")
    recompute.add_argument("--share", metavar="P", help="percent that you have set (default: the one stated)")
    for verb in (audit, recompute):
        verb.add_argument(
            "--key", action="append", default=[], metavar="VKEY", help="key that must have signed; repeat it"
        )
        verb.add_argument("--sign", metavar="KEY", help="file of your private key, to sign the result")
        verb.add_argument("--name", help="who signs, e.g. auditor.example")
    for verb in (evening, proof):
        verb.add_argument("folder", metavar="FOLDER", help="the office; nobody else may have it open")
        verb.add_argument("--coin", metavar="ID", help="which coin, where the office has several")
    proof.add_argument("account", metavar="ACCOUNT", help="number of the account")
    evening.add_argument(
        "--share",
        default="10",
        metavar="P",
        help="most an account may have of its bucket, percent (default: 10)",
    )
    evening.add_argument(
        "--as",
        dest="sign_as",
        action="append",
        choices=("issuer", "supervisor"),
        help="who signs with a key of the office; repeat it (default: issuer)",
    )
    for verb in (evening, key, opening, audit, recompute):
        verb.add_argument("--json", action="store_true", help="print one JSON object")
    bucket.set_defaults(json=False)
