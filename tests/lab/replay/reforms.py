"""Reforms that the tests try: each changes one thing of the invented pilot from 1 July 2027 on."""

from __future__ import annotations

from jiaozi.lab.replay.law import Tried

HEAD = """
[reform]
title = { en = "Exercise", zh = "习作" }

[source.trial-notice]
authority = { en = "Nobody: an exercise", zh = "无：仅为习作" }
title     = { en = "Invented notice", zh = "虚构通知" }
number    = "trial"
issued    = 2026-11-22
known     = 2026-11-22
read      = "invented"
checked   = 2026-11-22
"""


def limit(name: str, values: str, start: str = "2027-07-01") -> str:
    """Return the text that sets the limit *name* of the pilot to *values* such as `t4 = 1_000`."""
    return f"""{HEAD}
[[change]]
set   = "limit.{name}"
place = "cn-sh"
from  = {start}
cite  = "trial-notice art 1"
CNY   = {{ {values} }}
"""


def repeal(rule: str, start: str = "2027-07-01") -> str:
    """Return the text that ends *rule*."""
    return f"""{HEAD}
[[change]]
repeal = "{rule}"
from   = {start}
cite   = "trial-notice art 1"
"""


REFORMS: dict[str, str] = {
    "lower the cap on one payment": limit("single", "t4 = 100, t3 = 300"),
    "lower the cap of a day": limit("day", "t4 = 200, t3 = 400"),
    "lower the cap of a year": limit("year", "t4 = 900, t3 = 3_000"),
    "raise every cap": "".join(
        [
            HEAD,
            *(
                f'\n[[change]]\nset = "limit.{name}"\nplace = "cn-sh"\nfrom = 2027-07-01\n'
                'cite = "trial-notice art 1"\nCNY = { t4 = "unlimited", t3 = "unlimited", t2 = "unlimited" }\n'
                for name in ("single", "day", "year", "balance")
            ),
        ]
    ),
    "end the pilot early": repeal("cn-sh.pay"),
    "change nothing": limit("single", "t4 = 2_000"),
}


def tried(name: str) -> Tried:
    """Return the law to try with the reform called *name*."""
    return Tried(reforms=((name.replace(" ", "-"), REFORMS[name]),))


def tried_text(text: str, name: str = "trial") -> Tried:
    return Tried(reforms=((name, text),))


NOTHING = Tried()
"""The law as it stands."""


def opened(book_text: str) -> Tried:
    """Return the pilot's own text with payments in a second place, which a reform cannot write in a line."""
    text = book_text.replace(
        "when   = [\"payer.zone == 'cn-sh'\", \"payee.zone == 'cn-sh'\", \"payment.place == 'cn-sh'\"]",
        "when   = [\"payer.zone == 'cn-sh'\", \"payee.zone in ('cn-sh', 'cn')\", "
        "\"payment.place in ('cn-sh', 'cn')\"]",
    )
    assert text != book_text
    return Tried(texts=(("cn-sh.toml", text),))
