"""Payouts become a pain.001.001.09 that adds up and passes its schema, or the field at fault is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from jiaozi.bank.payout import PAIN_001, Payout, PayoutMessage, write
from jiaozi.bank.write import is_bic, is_cnaps, is_iban
from jiaozi.bank.xml import schema_of
from jiaozi.clock import SHANGHAI, day_start, instant_of
from jiaozi.errors import OrderError
from jiaozi.money import MAX_FEN, Fen, fen_from_text

PAYOUT = Payout(
    end_to_end_id="JZ-R-2026-000001",
    amount_fen=fen_from_text("1,200,000.00"),
    currency="CNY",
    creditor_name="港湾茶馆",
    creditor_account="2002-EXAMPLE-0042",
    creditor_bank="102290000000",
    remittance="赎回 Redemption of coins at par",
)
MESSAGE = PayoutMessage(
    message_id="JZ-P-2026-000001",
    created=instant_of(datetime.fromisoformat("2026-12-15T16:00:00.123456+08:00")),
    initiating_party="Pujiang Pay",
    debtor_name="Pujiang Pay",
    debtor_account="1001-EXAMPLE-0001",
    debtor_bank="HEBKCNSHXXX",
    execution_day=date(2026, 12, 15),
    payouts=(PAYOUT,),
)


def paths(body: bytes) -> dict[str, list[str]]:
    """Return the texts of a message by the path of their element."""
    found: dict[str, list[str]] = {}
    root: Any = etree.fromstring(body)
    for element in root.iter():
        if len(element) == 0:
            names = [a.tag.rpartition("}")[2] for a in (*reversed([*element.iterancestors()]), element)]
            found.setdefault("/".join(names[2:]), []).append(element.text)
    return found


def wrong(**written: object) -> str:
    """Return what is said of a payout with something wrong *written* into it."""
    payout = replace(PAYOUT, **written)  # type: ignore[arg-type]
    with pytest.raises(OrderError) as caught:
        write(replace(MESSAGE, payouts=(payout,)))
    return str(caught.value)


def wrong_message(**written: object) -> str:
    """Return what is said of a message with something wrong *written* into it."""
    with pytest.raises(OrderError) as caught:
        write(replace(MESSAGE, **written))  # type: ignore[arg-type]
    return str(caught.value)


def test_a_payout_says_who_gets_what_from_whom_and_when() -> None:
    assert paths(write(MESSAGE)) == {
        "GrpHdr/MsgId": ["JZ-P-2026-000001"],
        "GrpHdr/CreDtTm": ["2026-12-15T16:00:00+08:00"],
        "GrpHdr/NbOfTxs": ["1"],
        "GrpHdr/CtrlSum": ["1200000.00"],
        "GrpHdr/InitgPty/Nm": ["Pujiang Pay"],
        "PmtInf/PmtInfId": ["JZ-P-2026-000001"],
        "PmtInf/PmtMtd": ["TRF"],
        "PmtInf/NbOfTxs": ["1"],
        "PmtInf/CtrlSum": ["1200000.00"],
        "PmtInf/ReqdExctnDt/Dt": ["2026-12-15"],
        "PmtInf/Dbtr/Nm": ["Pujiang Pay"],
        "PmtInf/DbtrAcct/Id/Othr/Id": ["1001-EXAMPLE-0001"],
        "PmtInf/DbtrAgt/FinInstnId/BICFI": ["HEBKCNSHXXX"],
        "PmtInf/ChrgBr": ["DEBT"],
        "PmtInf/CdtTrfTxInf/PmtId/EndToEndId": ["JZ-R-2026-000001"],
        "PmtInf/CdtTrfTxInf/Amt/InstdAmt": ["1200000.00"],
        "PmtInf/CdtTrfTxInf/CdtrAgt/FinInstnId/ClrSysMmbId/ClrSysId/Cd": ["CNAPS"],
        "PmtInf/CdtTrfTxInf/CdtrAgt/FinInstnId/ClrSysMmbId/MmbId": ["102290000000"],
        "PmtInf/CdtTrfTxInf/Cdtr/Nm": ["港湾茶馆"],
        "PmtInf/CdtTrfTxInf/CdtrAcct/Id/Othr/Id": ["2002-EXAMPLE-0042"],
        "PmtInf/CdtTrfTxInf/RmtInf/Ustrd": ["赎回 Redemption of coins at par"],
    }


def test_the_same_message_gives_the_same_bytes() -> None:
    assert write(MESSAGE) == write(MESSAGE)


def test_an_iban_is_written_as_one_and_bank_and_remittance_may_be_left_out() -> None:
    payout = replace(PAYOUT, creditor_account="CH9300762011623852957", creditor_bank="", remittance="")
    found = paths(write(replace(MESSAGE, payouts=(payout,))))
    assert found["PmtInf/CdtTrfTxInf/CdtrAcct/Id/IBAN"] == ["CH9300762011623852957"]
    assert not [path for path in found if "CdtrAgt" in path or "RmtInf" in path]


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"),
    min_size=1,
    max_size=140,
).filter(lambda text: text.strip() != "")
PAYOUTS = st.builds(
    lambda amount, name: replace(PAYOUT, amount_fen=Fen(amount), creditor_name=name),
    st.integers(1, 10**14),
    NAMES,
)


@given(st.lists(PAYOUTS, min_size=1, max_size=20))
def test_the_control_sum_is_the_sum_to_the_fen_and_the_schema_agrees(payouts: list[Payout]) -> None:
    numbered = tuple(replace(payout, end_to_end_id=f"E{n}") for n, payout in enumerate(payouts))
    body = write(replace(MESSAGE, payouts=numbered))
    found = paths(body)
    amounts = found["PmtInf/CdtTrfTxInf/Amt/InstdAmt"]
    assert [int(amount.replace(".", "")) for amount in amounts] == [payout.amount_fen for payout in payouts]
    assert all(amount[-3] == "." for amount in amounts)
    total = sum(map(Decimal, amounts))
    assert Decimal(found["GrpHdr/CtrlSum"][0]) == Decimal(found["PmtInf/CtrlSum"][0]) == total
    assert found["GrpHdr/NbOfTxs"] == found["PmtInf/NbOfTxs"] == [str(len(payouts))]
    assert schema_of(PAIN_001).validate(etree.fromstring(body))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"end_to_end_id": ""}, "payout '': end_to_end_id is empty"),
        ({"end_to_end_id": "x" * 36}, "end_to_end_id has 36 characters; the bank takes at most 35"),
        ({"amount_fen": 0}, "amount_fen is 0; it must be from 1"),
        ({"amount_fen": -5}, "amount_fen is -5"),
        ({"amount_fen": MAX_FEN + 1}, "amount_fen is 100000000000000001"),
        ({"currency": "cny"}, "currency is 'cny'; it must be one of CNY"),
        ({"creditor_name": " "}, "creditor_name is empty"),
        ({"creditor_name": "茶" * 141}, "creditor_name has 141 characters; the bank takes at most 140"),
        ({"creditor_name": "a\0b"}, "creditor_name holds a control character"),
        ({"creditor_name": "a\ud800b"}, "creditor_name holds a control character"),
        ({"creditor_account": ""}, "creditor_account '' must be an IBAN or at most 34 characters"),
        ({"creditor_account": "CH9300762011623852958"}, "its check digits do not hold; was it mistyped?"),
        ({"creditor_bank": "12345"}, "creditor_bank '12345' must be a BIC or a twelve-digit CNAPS number"),
        ({"remittance": "x" * 141}, "remittance has 141 characters"),
    ],
)
def test_a_payout_the_bank_would_not_take_is_named_with_its_field(
    written: dict[str, object], said: str
) -> None:
    assert said in wrong(**written)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"payouts": ()}, "payouts is empty"),
        ({"payouts": (PAYOUT, PAYOUT)}, "end_to_end_id 'JZ-R-2026-000001' stands in more than one payout"),
        ({"message_id": ""}, "message_id is empty"),
        ({"initiating_party": ""}, "initiating_party is empty"),
        ({"debtor_name": "x" * 141}, "debtor_name has 141 characters"),
        ({"debtor_account": "x" * 35}, "debtor_account"),
        ({"debtor_bank": ""}, "debtor_bank '' must be a BIC or a twelve-digit CNAPS number"),
    ],
)
def test_a_message_the_bank_would_not_take_is_named_with_its_field(
    written: dict[str, object], said: str
) -> None:
    assert said in wrong_message(**written)


def test_two_currencies_need_two_messages() -> None:
    payouts = (PAYOUT, replace(PAYOUT, end_to_end_id="2", currency="HKD"))
    assert "payouts are in CNY and HKD" in wrong_message(payouts=payouts)


def test_the_largest_amount_can_be_paid_and_not_twice() -> None:
    largest = replace(PAYOUT, amount_fen=MAX_FEN)
    assert b"<CtrlSum>1000000000000000.00</CtrlSum>" in write(replace(MESSAGE, payouts=(largest,)))
    assert "more than the largest amount" in wrong_message(
        payouts=(largest, replace(largest, end_to_end_id="2"))
    )


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert len(wrong(end_to_end_id="", amount_fen=0, currency="?", creditor_name="").splitlines()) == 4


def test_the_time_of_creation_is_told_on_the_clock_of_shanghai() -> None:
    body = write(replace(MESSAGE, created=day_start(date(2026, 12, 15), SHANGHAI)))
    assert b"<CreDtTm>2026-12-15T00:00:00+08:00</CreDtTm>" in body


def test_account_and_bank_numbers_are_told_apart() -> None:
    assert is_iban("CH9300762011623852957")
    assert not is_iban("CH9300762011623852958")
    assert not is_iban("1001-EXAMPLE-0001")
    assert not is_iban("6222020200112233445")
    assert is_bic("HEBKCNSH")
    assert not is_bic("102290000000")
    assert not is_bic("12345678")
    assert is_cnaps("102290000000")
    assert not is_cnaps("10229000000")
