"""Writes the example statements that ship with the project: `python tests/bank/bank_examples.py`.

Everything in them is invented: Pujiang Pay keeps account 1001-EXAMPLE-0001 at the
Huangpu Example Bank. Four credits quote an order each, in the ways people do; the
fifth quotes none; in the evening one redemption is paid out.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from jiaozi.bank import EXAMPLES
from jiaozi.bank.camt_write import NewStatement, write
from jiaozi.bank.message import Detail, Entry

ACCOUNT = "1001-EXAMPLE-0001"
DAY = date(2026, 12, 15)


def _credit(index: int, time: str, amount: str, payer: str, payer_account: str, **written: object) -> Entry:
    detail = Detail(
        amount=Decimal(amount),
        currency="CNY",
        debtor_name=payer,
        debtor_account=payer_account,
        creditor_name="Pujiang Pay",
        creditor_account=ACCOUNT,
        **written,  # type: ignore[arg-type]
    )
    return Entry(
        index=index,
        amount=Decimal(amount),
        currency="CNY",
        is_credit=True,
        booking_day=DAY,
        booked_at=f"2026-12-15T{time}+08:00",
        value_day=DAY,
        servicer_reference=f"HEB20261215{index:06d}",
        bank_code="PMNT/RCDT/DMCT",
        details=(detail,),
    )


MORNING = NewStatement(
    message_id="HEB-20261215-AM",
    id="HEB-1001-20261215-1",
    created_at="2026-12-15T12:00:00+08:00",
    account=ACCOUNT,
    currency="CNY",
    owner="Pujiang Pay",
    bank_name="Huangpu Example Bank",
    day=DAY,
    opening=Decimal("0.00"),
    sequence="1",
    entries=(
        _credit(
            1, "09:12:31", "30000000.00", "Linden Trading Co", "2002-EXAMPLE-0017",
            creditor_references=("JZ-2026-000001",), end_to_end_id="LT-778120",
        ),
        _credit(
            2, "09:40:05", "12500000.00", "Harbour Tea House", "2002-EXAMPLE-0042",
            remittance=("invoice JZ-2026-000002 coin purchase",), end_to_end_id="NOTPROVIDED",
        ),
        _credit(
            3, "10:03:58", "7500000.00", "Suzhou Creek Logistics", "2003-EXAMPLE-0008",
            remittance=("order no. jz-2026-000003", "thank you"), end_to_end_id="SCL20261215A",
        ),
        _credit(
            4, "10:21:44", "250000.00", "苏河书店", "2003-EXAMPLE-0115",
            remittance=("购币 JZ 2026 000004 请查收",), end_to_end_id="NOTPROVIDED",
        ),
        _credit(
            5, "11:17:09", "88888.00", "Old Town Bakery", "2004-EXAMPLE-0003",
            remittance=("货款 thank you",), end_to_end_id="NOTPROVIDED",
        ),
    ),
)  # fmt: skip

EVENING = NewStatement(
    message_id="HEB-20261215-PM",
    id="HEB-1001-20261215-2",
    created_at="2026-12-15T18:00:00+08:00",
    account=ACCOUNT,
    currency="CNY",
    owner="Pujiang Pay",
    bank_name="Huangpu Example Bank",
    day=DAY,
    opening=Decimal("50338888.00"),
    sequence="2",
    entries=(
        Entry(
            index=1,
            amount=Decimal("1200000.00"),
            currency="CNY",
            is_credit=False,
            booking_day=DAY,
            booked_at="2026-12-15T16:45:20+08:00",
            value_day=DAY,
            servicer_reference="HEB20261215000106",
            bank_code="PMNT/ICDT/DMCT",
            details=(
                Detail(
                    amount=Decimal("1200000.00"),
                    currency="CNY",
                    end_to_end_id="JZ-R-2026-000001",
                    remittance=("Redemption of coins at par",),
                    debtor_name="Pujiang Pay",
                    debtor_account=ACCOUNT,
                    creditor_name="Harbour Tea House",
                    creditor_account="2002-EXAMPLE-0042",
                ),
            ),
        ),
    ),
)


def broken() -> bytes:
    """Return the morning statement with two faults: a mistyped currency and a date with a time's place."""
    text = write(MORNING).decode()
    text = text.replace('<Amt Ccy="CNY">12500000.00</Amt>', '<Amt Ccy="Yuan">12500000.00</Amt>', 1)
    text = text.replace("2026-12-15T10:03:58+08:00", "15.12.2026 10:03", 1)
    return text.encode()


def examples() -> dict[str, bytes]:
    """Return every example, file name and bytes."""
    return {
        "2026-12-15-morning.camt053.xml": write(MORNING),
        "2026-12-15-evening.camt053.xml": write(EVENING),
        "broken.camt053.xml": broken(),
    }


if __name__ == "__main__":
    EXAMPLES.mkdir(exist_ok=True)
    for name, body in examples().items():
        (EXAMPLES / name).write_bytes(body)
