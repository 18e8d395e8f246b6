"""The small law grown: numbers, events, suspensions, duties of every kind, drafts and a reform.

The small law itself stays as it is. Here stands one of everything else that a file of the law may hold,
so that tests of reading can change one thing and look at the mistake.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jiaozi.clock import Instant, instant_of
from jiaozi.errors import Mistake, RulebookError
from jiaozi.money import MAX_FEN
from jiaozi.rulebook.decide import TOUCHING, Facts
from jiaozi.rulebook.model import Book
from jiaozi.rulebook.reading.read import read, texts_of

DRAFTS = ("cn-sh", "hk-idea", "open")

PILOT: Facts = {
    **dict.fromkeys(TOUCHING, "cn-sh"),
    **dict.fromkeys(("payer.kind", "payee.kind"), "resident"),
    **dict.fromkeys(("payer.tier", "payee.tier"), "t1"),
    **dict.fromkeys(("payer.balance", "payer.paid_today", "payer.paid_this_year", "payee.balance"), 0),
    "payment.amount": 1_00,
    "payment.travel_data": "full",
    "coin.peg": "CNY",
    "issuer.licences": frozenset({"cn-sh"}),
    "issuer.consents": frozenset({"cn"}),
    "issuer.supply_cap": MAX_FEN,
    "issuer.coins_outstanding": 0,
    "issuer.reserve_value": MAX_FEN,
}
"""A payment that the draft of the pilot allows."""

FACTS = """
[[fact]]
id       = "paper.kind"
type     = "text"
words    = ["cash", "bill", "bond"]
known_by = "asker"
title    = { en = "the asset", zh = "资产" }

[[fact]]
id    = "paper.days"
type  = "number"
unit  = "days"
title = { en = "the days left", zh = "剩余天数" }

[[fact]]
id    = "paper.share"
type  = "number"
unit  = "percent"
title = { en = "the share", zh = "占比" }

[[fact]]
id    = "purse.wallets"
type  = "number"
unit  = "count"
title = { en = "the wallets", zh = "钱包数" }

[[value]]
id    = "hoard.max_days"
type  = "days"
by    = "paper.kind"
title = { en = "the longest term", zh = "最长期限" }

[[value]]
id    = "hoard.max_share"
type  = "percent"
title = { en = "the largest share", zh = "最高占比" }

[[value]]
id    = "purse.most"
type  = "count"
title = { en = "the most wallets", zh = "钱包数上限" }

[[value]]
id    = "levy.most"
type  = "money"
by    = "payment.place"
title = { en = "the highest fee", zh = "最高费用" }

[[deed]]
id    = "told.authority"
title = { en = "report", zh = "报告" }

[[party]]
id    = "reviewer"
title = { en = "the auditor", zh = "审计师" }
"""

EVENTS = """
[[event]]
id    = "hk.begun"
title = { en = "the first licence", zh = "首张牌照" }
day   = 2026-03-01
known = 2026-02-01
cite  = "hk-so s 2"

[[event]]
id    = "hk.awaited"
title = { en = "the second licence", zh = "第二张牌照" }
"""

STEPS = """
[[step]]
day    = 2025-08-01
place  = "hk"
kind   = "in force"
title  = { en = "The Ordinance begins", zh = "条例生效" }
source = "hk-so"

[[step]]
day        = "2022-01"
place      = "cn"
kind       = "ban"
title      = { en = "A ban", zh = "禁令" }
source     = "cn-237"
confidence = "unconfirmed"
"""

HK_MORE = """
[book]
place  = "hk"
status = "enacted"
title  = { en = "Hong Kong: the reserve", zh = "香港：储备" }

[[rule]]
id         = "hk.invest"
title      = { en = "The reserve may be put into short assets", zh = "储备可投资短期资产" }
brief      = { en = "bills up to {hoard.max_days[bill]}", zh = "票据最长{hoard.max_days[bill]}" }
permit     = ["invest"]
topic      = "capital"
confidence = "unconfirmed"
known      = 2025-09-01
from       = { event = "hk.begun", days = 31, by = 2027-01-18 }
until      = 2030-01-01
until_cite = "hk-sg para 9"
cite       = "hk-sg para 3"
[rule.need]
kind    = { if = "paper.kind in ('cash', 'bill')", cite = "hk-sg para 3", title = { en = "kind", zh = "种类" } }
share   = { if = "paper.share <= hoard.max_share", cite = "hk-sg para 5", title = { en = "share", zh = "占比" } }
[rule.need.short]
if    = "paper.days <= hoard.max_days[paper.kind]"
cite  = "hk-sg para 4"
title = { en = "short", zh = "短" }
[rule.need.wallets]
if    = "purse.wallets + 1 <= purse.most"
cite  = "hk-sg para 6"
topic = "caps"
title = { en = "few", zh = "少" }
brief = { en = "at most {purse.most}", zh = "至多{purse.most}" }
[[rule.suspended]]
from  = 2027-03-01
until = 2027-04-01
cite  = "hk-ag para 1"
[[rule.suspended]]
from  = 2029-01-01
cite  = "hk-ag para 2"

[[rule]]
id     = "hk.awaits"
title  = { en = "Offers wait for the second licence", zh = "待第二张牌照" }
forbid = ["offer"]
from   = { event = "hk.awaited" }
cite   = "hk-so s 9"

[[hoard.max_days]]
from = 2025-08-01
cite = "hk-sg para 4"
days = { cash = "unlimited", bill = 93, bond = 0 }

[[hoard.max_share]]
from    = 2025-08-01
cite    = "hk-sg para 5"
percent = 30

[[hoard.max_share]]
from       = { event = "hk.begun" }
cite       = "hk-sg para 5"
percent    = "12.50"
confidence = "unconfirmed"

[[purse.most]]
from  = 2025-08-01
cite  = "hk-sg para 6"
count = 3

[[levy.most]]
from = 2025-08-01
cite = "hk-sg para 7"
HKD  = { hk = 10, cn-sh = "0.50" }

[[duty]]
id     = "hk.report"
title  = { en = "A report every month", zh = "每月报告" }
from   = 2025-08-01
every  = "1 month"
who    = "issuer"
do     = "told.authority"
within = "10 days"
cite   = "hk-sg para 8"

[[duty]]
id    = "hk.keep"
title = { en = "Records are kept", zh = "保存记录" }
from  = 2025-08-01
upon  = "redeem.paid"
who   = "reviewer"
do    = "told.authority"
for   = "5 years"
cite  = "hk-sg para 8"

[[duty]]
id     = "hk.tell"
title  = { en = "The authority is told", zh = "告知" }
topic  = "disclosure"
from   = 2025-08-01
upon   = "redeem.requested"
who    = "issuer"
do     = "told.authority"
within = "at once"
cite   = "hk-sg para 8"
"""

IDEA = """
[book]
place  = "hk"
status = "idea"
title  = { en = "Hong Kong: an idea", zh = "香港：设想" }

[source.hk-idea]
authority = { en = "nobody", zh = "无" }
title     = { en = "An idea", zh = "设想" }
number    = "1"
issued    = 2026-11-01
known     = 2026-11-01
read      = "invented"
checked   = 2026-11-22

[[amend]]
rule      = "cn.virtual_currency"
yields_to = ["cn-sh.visit"]
from      = 2027-02-01
cite      = "hk-idea art 1"
"""

REFORM = """
[reform]
title = { en = "A reform", zh = "改革" }

[source.open]
authority = { en = "nobody", zh = "无" }
title     = { en = "A reform", zh = "改革" }
number    = "1"
issued    = 2026-11-01
known     = 2026-11-20
read      = "invented"
checked   = 2026-11-22

[[change]]
set   = "travel.full_from"
place = "hk"
from  = 2027-07-01
cite  = "open art 1"
HKD   = 1_000

[[change]]
repeal = "cn.yuan_peg_abroad"
from   = 2027-07-01
cite   = "open art 2"

[[rule]]
id     = "cn-sh.visit"
title  = { en = "Visitors may pay", zh = "访客可支付" }
permit = ["pay"]
lifts  = "cn.virtual_currency"
when   = ["payer.kind == 'visitor'", "payment.place == 'cn-sh'"]
from   = 2027-02-01
cite   = "open art 3"
"""


def small() -> dict[str, str]:
    """Return the texts of the small law with its draft. No executor is loaded for it."""
    return texts_of(sorted((Path(__file__).parent / "small_law").glob("*.toml")))


def moment(text: str) -> Instant:
    """Return the instant of `2027-02-01 10:00` on the clock of Shanghai, which is also Hong Kong's."""
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")))


@lru_cache
def _texts() -> tuple[tuple[str, str], ...]:
    texts = small()
    texts["facts.toml"] += FACTS
    texts |= {"events.toml": EVENTS, "steps.toml": STEPS, "hk-more.toml": HK_MORE}
    texts |= {"hk-idea.toml": IDEA, "open.toml": REFORM}
    return tuple(texts.items())


def grown() -> dict[str, str]:
    """Return the texts of the grown law."""
    return dict(_texts())


@lru_cache
def grown_law(*drafts: str) -> Book:
    """Return the grown law with these drafts."""
    return read(grown(), drafts=drafts)


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """Return the texts of the grown law with the first *old* in *file* replaced by *new*."""
    texts = grown()
    assert old in texts[file], old
    return {**texts, file: texts[file].replace(old, new, 1)}


def mistakes_of(texts: dict[str, str], *drafts: str) -> tuple[Mistake, ...]:
    """Return what is wrong with *texts*, with these drafts or all."""
    with pytest.raises(RulebookError) as caught:
        read(texts, drafts=drafts or DRAFTS)
    return caught.value.mistakes


def line_of(text: str, part: str) -> int:
    """Return the line of the first *part* in *text*, from 1."""
    return text[: text.index(part)].count("\n") + 1


def assert_mistake(file: str, old: str, new: str, where: str, message: str) -> None:
    """Change *old* to *new* in *file*: *message* must be told there, at the line of *where*."""
    texts = changed(file, old, new)
    mistakes = mistakes_of(texts)
    found = [mistake for mistake in mistakes if message in mistake.message]
    assert found, mistakes
    assert found[0].file == file, found[0]
    if where:
        assert found[0].line == line_of(texts[file], where), found[0]
