"""A store under stress: what would follow, hour by hour, on a copy in memory. A simulation, never a forecast.

plan      what is asked: the scenario, the share, the seed, the hourly shape of a run
reserve   what the reserve is made of, from a small TOML
when      the hours: where a scenario begins, when banks are open, calendars of years not on file
asking    which holders ask, how much and in which hour, from the seed
paying    what the issuer can pay, hour by hour: cash, repo, bills sold, deposits locked
law       what the law says: who may redeem, by when, and whether the reserve is enough
result    the figures by hour and in sum
simulate  all of these together; the one to call is `stress`
words     the result in sentences, in both languages
report    the result as text, JSON and CSV
page      the result as a page, with `picture`
picture   its charts as SVG
"""

from jiaozi.lab.stress.plan import SCENARIOS, Plan
from jiaozi.lab.stress.result import StressResult
from jiaozi.lab.stress.simulate import stress

__all__ = ["SCENARIOS", "Plan", "StressResult", "stress"]
