"""The options of `jiaozi lab`; they load nothing."""

from __future__ import annotations

import argparse

MODES = ("as-it-happened", "sums-follow", "money-follows")
"""The ways of a replay, written here so that `--help` need not load them; a test holds them equal."""


def lab(lab: argparse.ArgumentParser) -> None:
    """Add the words of `jiaozi lab`."""
    verbs = lab.add_subparsers(dest="verb", metavar="VERB", required=True)
    _population(verbs.add_parser("population", help="write a store of invented holders and payments"))
    replay = verbs.add_parser("replay", help="decide a store's payments once more, under a reform")
    compare = verbs.add_parser("compare", help="set several reforms side by side")
    solve = verbs.add_parser("solve", help="find the value of a number of the law that meets a condition")
    for verb in (replay, compare, solve):
        _asked(verb)
    for verb in (replay, compare):
        _window(verb)
    _replay(replay)
    _solve(solve)
    compare.add_argument("reforms", nargs="+", metavar="REFORM.toml", help="two or more")
    _stress(verbs.add_parser("stress", help="simulate a run on a store's coin, hour by hour"))
    _diffusion(verbs.add_parser("diffusion", help="tell who moved after a place, and who before"))


def _replay(replay: argparse.ArgumentParser) -> None:
    replay.add_argument(
        "--law", action="append", default=[], metavar="REFORM.toml", help="try this; repeat it"
    )
    replay.add_argument(
        "--draft", action="append", default=[], metavar="NAME", help="let this file of the law take part"
    )
    replay.add_argument(
        "--base",
        action="append",
        default=[],
        metavar="REFORM.toml",
        help="compare with this (default: what happened)",
    )
    replay.add_argument("--known", metavar="DATE", help="use only what was known on that day")
    replay.add_argument("--to", metavar="DIR", help="write the changes, a summary and pages into this folder")


def _asked(verb: argparse.ArgumentParser) -> None:
    """Add what replay, compare and solve share."""
    verb.add_argument("folder", metavar="FOLDER", help="an office or a journal folder")
    verb.add_argument(
        "--mode",
        choices=MODES,
        default=MODES[0],
        help=f"how far the consequences of a refusal are followed (default: {MODES[0]})",
    )
    verb.add_argument("--work", metavar="DIR", help="keeps what the law was asked (default: FOLDER/lab)")
    verb.add_argument("--language", choices=("en", "zh"), default="en")
    verb.add_argument("--json", action="store_true", help="print one JSON object")


def _window(verb: argparse.ArgumentParser) -> None:
    _days(verb)
    verb.add_argument("--html", metavar="FILE", help="write a page, and beside it the one in Chinese")


def _days(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--from", dest="from_", metavar="DAY", help="first day that is asked about again")
    verb.add_argument("--until", metavar="DAY", help="first day that is not any more")


def _solve(solve: argparse.ArgumentParser) -> None:
    _days(solve)
    solve.add_argument(
        "--keep", required=True, metavar="CONDITION", help="for example 'refused holders <= 0.5%%'"
    )
    solve.add_argument("--vary", required=True, metavar="VALUE", help="for example 'limit.day[t4]'")
    solve.add_argument("--place", required=True, metavar="P", help="whose law, e.g. cn-sh")
    solve.add_argument("--between", required=True, nargs=2, metavar=("LOW", "HIGH"), help="whole units")
    solve.add_argument("--step", default="1", metavar="N", help="whole units (default: 1)")
    solve.add_argument("--from-day", metavar="DAY", help="when it would begin (default: the store's first)")
    solve.add_argument("--write", metavar="FILE", help="write the reform that was found")


def _population(population: argparse.ArgumentParser) -> None:
    population.add_argument(
        "--folder", required=True, metavar="STORE", help="where to; new, or without a journal"
    )
    population.add_argument("--people", default="10000", metavar="N", help="accounts (default: 10000)")
    population.add_argument("--seed", default="1", metavar="S", help="a whole number (default: 1)")
    population.add_argument("--place", default="cn-sh", help="where they live: cn-sh or hk (default: cn-sh)")
    population.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="ZONE=SHARE",
        help="this share of them lives in another zone beside it, e.g. cn-sz=0.15",
    )
    population.add_argument("--from", dest="from_", metavar="DAY", help="first day (default: 2026-12-15)")
    population.add_argument("--days", default="365", metavar="N", help="how many days (default: 365)")
    population.add_argument(
        "--payments-a-day", metavar="N", help="of all accounts, on average (default: 0.3 of each)"
    )
    population.add_argument("--json", action="store_true", help="print one JSON object")


def _stress(stress: argparse.ArgumentParser) -> None:
    stress.add_argument(
        "folder", metavar="FOLDER", help="an office or a journal folder; nothing is written to it"
    )
    stress.add_argument(
        "--scenario", required=True, choices=("run", "bank-failure", "holiday-week", "issuer-suspended")
    )
    stress.add_argument(
        "--share", default="0.2", metavar="S", help="share of the coins asked for (default: 0.2)"
    )
    stress.add_argument("--seed", default="1", metavar="S", help="a whole number (default: 1)")
    stress.add_argument("--reserve", metavar="FILE", help="what the reserve is made of (default: invented)")
    stress.add_argument("--shape", metavar="FILE", help="weights by hour (default: after March 2023)")
    stress.add_argument("--coin", metavar="ID", help="which coin (default: the one with most outstanding)")
    stress.add_argument(
        "--from", dest="from_", metavar="DAY", help="earliest day (default: the store's last)"
    )
    stress.add_argument("--days", default="21", metavar="N", help="how long it is watched (default: 21)")
    stress.add_argument("--language", choices=("en", "zh"), default="en")
    stress.add_argument("--json", action="store_true", help="print one JSON object")
    stress.add_argument("--csv", metavar="FILE", help="write the table by hour; .parquet writes Parquet")
    stress.add_argument("--html", metavar="FILE", help="write a page")


def _diffusion(diffusion: argparse.ArgumentParser) -> None:
    diffusion.add_argument("--place", required=True, metavar="P", help="the place, e.g. hk")
    diffusion.add_argument("--topic", metavar="T", help="only this topic, e.g. reserve")
    diffusion.add_argument("--on", metavar="DAY", help="as it could be read on that day (default: today)")
    diffusion.add_argument("--with-drafts", action="store_true", help="count drafts and proposals as moves")
    diffusion.add_argument("--folder", metavar="DIR", help="folder of the law (default: the one shipped)")
    diffusion.add_argument("--format", choices=("text", "json", "html"), default="text")
    diffusion.add_argument("--language", choices=("en", "zh"), default="en")
