"""The command line. Everything heavy is imported by the command that needs it.

Exit codes: 0 yes or done; 1 the answer is no (refused, a broken file, a proof
that does not hold, a damaged journal); 2 the command was not understood or a
file cannot be read; 3 not decided (a proof without a key to check it with).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from jiaozi import __version__
from jiaozi.commands import lab_options, prove_options

PORT = 8023


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="jiaozi",
        description="Runs a fiat-backed coin under written law: issue, pay, redeem, prove.",
        epilog="Exit codes: 0 yes or done, 1 no, 2 not understood or not readable, 3 not decided.",
    )
    top.add_argument("--version", action="version", version=f"jiaozi {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    pilot = commands.add_parser("pilot", help="walk through everything once, then serve the console")
    pilot.add_argument("--folder", default="var/pilot", help="where to work (default: var/pilot)")
    pilot.add_argument("--today", metavar="DAY", help="day to begin on, YYYY-MM-DD (default: today)")
    pilot.add_argument("--once", action="store_true", help="do not serve; exit when the walk is done")
    pilot.add_argument("--port", type=int, default=PORT, help=f"port of the console (default: {PORT})")
    pilot.add_argument(
        "--json", action="store_true", help="print the figures as one JSON object; implies --once"
    )

    serve = commands.add_parser("serve", help="serve the console of an office")
    serve.add_argument("folder", nargs="?", default="var/pilot", help="its folder (default: var/pilot)")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, default=PORT, help=f"port (default: {PORT})")

    _law(commands.add_parser("law", help="check, ask or read the law"))

    statement = commands.add_parser("statement", help="read bank statements")
    reads = statement.add_subparsers(dest="verb", metavar="VERB", required=True)
    read = reads.add_parser("read", help="print the entries of a camt.052, camt.053 or camt.054 file")
    read.add_argument("file", metavar="FILE")
    read.add_argument("--json", action="store_true", help="print one JSON object")

    _journal(commands.add_parser("journal", help="look after a journal"))
    _ledger(commands.add_parser("ledger", help="seal and read the history of a ledger"))

    backup = commands.add_parser("backup", help="copy an office, also while it works")
    backup.add_argument("folder", metavar="FOLDER", help="the office")
    backup.add_argument(
        "to", metavar="DEST", help="the folder of the backup; what is there is not copied again"
    )
    backup.add_argument("--with-keys", action="store_true", help="copy the private keys too")
    backup.add_argument("--json", action="store_true", help="print one JSON object")

    restore = commands.add_parser("restore", help="put an office back from its backup")
    restore.add_argument("backup", metavar="DEST", help="the folder of the backup")
    restore.add_argument("folder", metavar="FOLDER", help="where to; empty, or not there yet")
    restore.add_argument("--json", action="store_true", help="print one JSON object")

    prove_options.checkpoint(commands.add_parser("checkpoint", help="audit, read or sign checkpoints"))
    prove_options.publish(
        commands.add_parser("publish", help="write the checkpoints as a site that anyone can check")
    )

    lab_options.lab(commands.add_parser("lab", help="try a law or a world before anyone depends on it"))
    prove_options.prove(
        commands.add_parser("prove", help="let others check the total: silently, by sample, or in full")
    )

    verify = commands.add_parser("verify", help="check a holder's proof")
    verify.add_argument("proof", nargs="?", metavar="PROOF", help="the proof file")
    verify.add_argument(
        "--key", action="append", default=[], metavar="VKEY", help="key that must have signed"
    )
    verify.add_argument(
        "--silent", metavar="BUCKETFILE", help="make the proof here, from the published file of a bucket"
    )
    verify.add_argument("--account", metavar="ACCOUNT", help="with --silent: your account")
    verify.add_argument(
        "--balance",
        metavar="AMOUNT",
        help="with --silent: your balance, e.g. 123.45; - reads it from the input",
    )
    verify.add_argument("--key-file", metavar="KEY", help="with --silent: file with your account key")
    verify.add_argument("--json", action="store_true", help="print one JSON object")
    return top


ACTIONS = (
    "issue",
    "pay",
    "redeem",
    "hold",
    "offer",
    "interest",
    "invest",
    "serve",
    "tokenise",
    "license",
)
"""The actions of the law, written here so that `--help` need not load it; a test holds them equal."""


def _journal(journal: argparse.ArgumentParser) -> None:
    verbs = journal.add_subparsers(dest="verb", metavar="VERB", required=True)
    verify = verbs.add_parser("verify", help="check every frame and the chain of hashes")
    cat = verbs.add_parser("cat", help="print the frames, a line each, or one in full")
    export = verbs.add_parser("export", help="write transfers as CSV, or all frames as JSON lines")
    plan = verbs.add_parser("repair-plan", help="say what to do about a damaged journal; change nothing")
    snapshot = verbs.add_parser("snapshot", help="write a snapshot, beside whoever writes the journal")
    for verb in (verify, cat, export, plan, snapshot):
        verb.add_argument("folder", nargs="?", default="var/pilot", help="an office or a journal folder")
    for verb in (verify, plan, snapshot):
        verb.add_argument("--json", action="store_true", help="print one JSON object")
    snapshot.add_argument(
        "--anew", action="store_true", help="fold from the first frame, believing no snapshot"
    )
    cat.add_argument(
        "--json", action="store_true", help="print one JSON object a line, with all of the frame"
    )
    cat.add_argument("--frame", metavar="N", help="print frame N in full")
    for verb in (cat, export):
        verb.add_argument("--from", dest="from_", metavar="WHERE", help="first frame: its number, or a day")
        verb.add_argument("--until", metavar="WHERE", help="number or day to stop before")
    export.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="default: csv")
    export.add_argument("--to", metavar="FILE", default="-", help="a new file (default: standard output)")


def _ledger(ledger: argparse.ArgumentParser) -> None:
    verbs = ledger.add_subparsers(dest="verb", metavar="VERB", required=True)
    seal = verbs.add_parser(
        "seal", help="turn finished segments of the journal into Parquet, beside its writer"
    )
    sql = verbs.add_parser(
        "sql", help="answer one SELECT over transfers, decisions, facts, accounts, balances"
    )
    statement = verbs.add_parser("statement", help="print an account's statement for a period")
    balance = verbs.add_parser("balance", help="print what an account had at any time")
    totals = verbs.add_parser("totals", help="print the trial balance and the supply of every coin")
    follow = verbs.add_parser("follow", help="print what happens as JSON lines, from a mark on")
    for verb in (seal, sql, statement, balance, totals, follow):
        verb.add_argument("folder", help="an office or a journal folder")
    for verb in (seal, sql, balance, totals):
        verb.add_argument("--json", action="store_true", help="print JSON")
    seal.add_argument(
        "--verify", action="store_true", help="seal nothing; compare what is sealed with its digests"
    )
    sql.add_argument("query", metavar="QUERY", help="one SELECT; - reads it from the input")
    sql.add_argument(
        "--parameter", action="append", default=[], metavar="TEXT", help="value of a ? in the query"
    )
    sql.add_argument("--seconds", default="60", metavar="N", help="how long it may take (default: 60)")
    for verb in (statement, balance):
        verb.add_argument(
            "account", metavar="ACCOUNT", help="number of the account, with or without check digits"
        )
    balance.add_argument("--at", metavar="DATE", help="YYYY-MM-DD, or YYYY-MM-DDTHH:MM (default: now)")
    statement.add_argument("--month", metavar="YYYY-MM", help="a whole month")
    statement.add_argument("--from", dest="from_", metavar="DAY", help="first day, YYYY-MM-DD")
    statement.add_argument("--until", metavar="DAY", help="first day that is not in it any more")
    statement.add_argument("--format", choices=("text", "csv", "camt053"), default="text")
    statement.add_argument("--language", choices=("en", "zh"), default="en")
    follow.add_argument(
        "--after", default="0", metavar="MARK", help="the mark of the last event you have (default: 0)"
    )
    follow.add_argument("--wait", action="store_true", help="go on for ever")


def _law(law: argparse.ArgumentParser) -> None:
    verbs = law.add_subparsers(dest="verb", metavar="VERB", required=True)
    check = verbs.add_parser("check", help="read the law files and their cases; list every mistake")
    ask = verbs.add_parser("ask", help="ask whether something is allowed on a day")
    show = verbs.add_parser("show", help="print one rule, duty or value with its whole story")
    page = verbs.add_parser("page", help="print the law of a day as a readable page")
    diff = verbs.add_parser("diff", help="print what changes between two days, or two folders of law")
    compare = verbs.add_parser("compare", help="put places side by side on a day")
    timeline = verbs.add_parser("timeline", help="print who moved when")
    reform = verbs.add_parser("with-reform", help="print what a reform would change")
    check.add_argument(
        "folder", nargs="?", metavar="DIR", help="folder of the law (default: the one shipped)"
    )
    for verb in (ask, show, page, diff, compare, timeline, reform):
        verb.add_argument("--folder", metavar="DIR", help="folder of the law (default: the one shipped)")
    for verb in (check, ask, show, page, diff, compare, timeline, reform):
        verb.add_argument(
            "--draft",
            action="append",
            default=[],
            metavar="NAME",
            help="let this file take part though it is no law, e.g. cn-sh",
        )
    for verb in (ask, page, diff):
        verb.add_argument(
            "--reform", action="append", default=[], metavar="FILE", help="let this reform take part"
        )
    for verb in (ask, page):
        verb.add_argument("--known", metavar="DATE", help="use only what was known on that day")
    for verb in (check, ask, diff, reform):
        verb.add_argument("--json", action="store_true", help="print JSON")
    for verb in (ask, show, page, diff, compare, timeline, reform):
        verb.add_argument("--language", choices=("en", "zh"), default="en")
    for verb in (ask, show, page, compare):
        when = "YYYY-MM-DD" if verb is compare else "YYYY-MM-DD, or YYYY-MM-DDTHH:MM with the time"
        verb.add_argument("--on", metavar="DATE", help=f"{when} (default: now)")
    ask.add_argument("action", nargs="?", choices=ACTIONS, metavar="ACTION", help=", ".join(ACTIONS))
    ask.add_argument(
        "facts",
        nargs="*",
        metavar="FACT=VALUE",
        help="e.g. coin.peg=CNY payment.amount=1500.00 issuer.licences=hk,cn-sh",
    )
    ask.add_argument("--place", help="stands for every place of the question that no fact names")
    ask.add_argument("--question", metavar="FILE", help="the question as JSON; - reads it from the input")
    ask.add_argument(
        "--viewer",
        choices=("payer", "payee", "supervisor"),
        default="supervisor",
        help="who reads the answer: a party does not see the other one's sums",
    )
    show.add_argument("rule", metavar="NAME", help="e.g. cn.yuan_peg_abroad, or limit.day")
    page.add_argument("--html", action="store_true", help="print an HTML document instead of Markdown")
    diff.add_argument("first", metavar="A", help="a day, or a folder of law")
    diff.add_argument("second", metavar="B", help="another")
    for verb, formats in ((compare, "text csv json html"), (timeline, "text csv json html svg")):
        verb.add_argument("--places", metavar="A,B", help="only these places (default: all)")
        verb.add_argument("--format", choices=formats.split(), default="text")
    reform.add_argument("file", metavar="FILE", help="the reform, e.g. law/reforms/lower-tier-4.toml")
    _law_of_an_office(
        verbs.add_parser("shadow", help="try a reform beside the law of an office; it decides nothing"),
        verbs.add_parser("enact", help="make a reform law of an office, with two keys, from a day to come"),
    )


def _law_of_an_office(shadow: argparse.ArgumentParser, enact: argparse.ArgumentParser) -> None:
    shadow.add_argument(
        "file", nargs="?", metavar="REFORM", help="the reform (default: print the difference so far)"
    )
    enact.add_argument("file", nargs="?", metavar="REFORM", help="the reform")
    enact.add_argument("--prepare", metavar="FILE", help="sign with the first key only, and write this file")
    enact.add_argument(
        "--complete", metavar="FILE", help="sign what was prepared with the second key, and enact"
    )
    for verb in (shadow, enact):
        verb.add_argument("--folder", required=True, metavar="OFFICE", help="the office")
        verb.add_argument("--json", action="store_true", help="print one JSON object")
    shadow.add_argument(
        "--draft", action="append", default=[], metavar="NAME", help="let this draft take part beside it"
    )
    shadow.add_argument("--stop", action="store_true", help="take the reform away")
    enact.add_argument(
        "--key-file", action="append", required=True, metavar="KEY", help="file of a private key; give two"
    )
    enact.add_argument(
        "--name",
        action="append",
        required=True,
        help="who signs with it, e.g. jiaozi.example/issuer; give two",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    top = parser()
    given, more = top.parse_known_args(arguments)
    # argparse takes facts before an option or behind it, not both; those behind come here.
    if given.command == "law" and given.verb == "ask":
        given.facts += [word for word in more if not word.startswith("-")]
        more = [word for word in more if word.startswith("-")]
    if more:
        top.error(f"unrecognized arguments: {' '.join(more)}")
    try:
        return _run(given)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        print(f"jiaozi: {error}", file=sys.stderr)
        return 2
    except Exception as error:
        from jiaozi.errors import JiaoziError

        if not isinstance(error, JiaoziError):
            raise
        print(f"jiaozi: {error}", file=sys.stderr)
        return 1


def _run(given: argparse.Namespace) -> int:
    from importlib import import_module

    module = {"verify": "proof", "restore": "backup"}.get(given.command, given.command)
    return int(import_module(f"jiaozi.commands.{module}").run(given))


if __name__ == "__main__":
    sys.exit(main())
