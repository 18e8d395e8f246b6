"""What differs from town to town: the currency, how large amounts are, whose holidays, and what issuers must bear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from jiaozi.lab.population import parameters as known
from jiaozi.lab.population.dates import HONG_KONG, MAINLAND, Dates


@dataclass(frozen=True, slots=True)
class Town:
    """A place where a population can live.

    peg             currency of its coins
    draft           the file of its law that has to take part though it is no law; empty if it is enacted
    dates           its holidays
    factor          amounts against those of `parameters`
    authority       whose consent an issuer has; empty where none is needed
    data_travels    whether its law asks for data that travels with payments
    is_frozen       whether accounts are frozen by order and released
    has_value       whether the reserve is worth more or less from night to night
    stock_share     what distributors keep in stock, as a share of the coins outstanding
    """

    place: str
    peg: str
    draft: str
    dates: Dates
    factor: float = 1.0
    authority: str = ""
    data_travels: bool = False
    is_frozen: bool = False
    has_value: bool = False
    stock_share: float = 0.0


TOWNS: Final = {
    "cn-sh": Town("cn-sh", "CNY", draft="cn-sh", dates=MAINLAND, authority="cn"),
    "hk": Town(
        "hk",
        "HKD",
        draft="",
        dates=HONG_KONG,
        factor=known.HONG_KONG_FACTOR,
        data_travels=True,
        is_frozen=True,
        has_value=True,
        stock_share=known.STOCK_SHARE,
    ),
}
"""Where a population can live."""

ISSUERS: Final = ("pujiang-pay", "donglai-tech")
"""Two invented issuers; the first has most of the holders."""


def coins_of(town: Town) -> tuple[str, ...]:
    """Return the coin of each issuer there, in the order of ISSUERS."""
    return tuple(f"{issuer.partition('-')[0]}-{town.peg.lower()}" for issuer in ISSUERS)
