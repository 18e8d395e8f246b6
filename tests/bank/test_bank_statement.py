"""Statements of every version are read alike, entries keep their key, and sums are compared."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jiaozi.bank import EXAMPLES, statement
from jiaozi.bank.camt_write import NewStatement, write
from jiaozi.bank.message import Detail, Entry, Statement, StatementEnd, StatementHead
from jiaozi.bank.write import is_iban
from jiaozi.errors import OrderError, StatementError
from tests.bank.bank_examples import MORNING

SHAPES = {
    "camt.052": ("BkToCstmrAcctRpt", "Rpt"),
    "camt.053": ("BkToCstmrStmt", "Stmt"),
    "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}
VERSIONS = [(kind, version) for kind in SHAPES for version in range(2, 15)]


def small(kind: str, version: int, *, inside: str = "", entry: str = "", head: str = "") -> bytes:
    """Return a statement of one credit of 12.50, as *kind* and *version* write it."""
    message, name = SHAPES[kind]
    status = "<Cd>BOOK</Cd>" if version >= 7 else "BOOK"
    payer = "<Pty><Nm>Li</Nm></Pty>" if version >= 7 else "<Nm>Li</Nm>"
    amount = '<Amt Ccy="CNY">12.50</Amt><CdtDbtInd>CRDT</CdtDbtInd>' if version >= 3 else ""
    balance = """<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">7.50</Amt>
        <CdtDbtInd>DBIT</CdtDbtInd><Dt><Dt>2026-12-15</Dt></Dt></Bal>"""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}.001.{version:02d}"><{message}>
  <GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-12-15T12:00:00</CreDtTm></GrpHdr>
  <{name}><Id>S1</Id>{head}<CreDtTm>2026-12-15T12:00:01</CreDtTm>
    <Acct><Id><IBAN>CH2801234000123456789</IBAN></Id></Acct>{"" if kind == "camt.054" else balance}
    <Ntry><Amt Ccy="CNY">12.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>{status}</Sts>
      <BookgDt><Dt>2026-12-15</Dt></BookgDt>{entry}<BkTxCd><Prtry><Cd>IN</Cd></Prtry></BkTxCd>
      <NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs>{amount}
        <RltdPties><Dbtr>{payer}</Dbtr></RltdPties><RmtInf><Ustrd>JZ-1</Ustrd></RmtInf>{inside}
      </TxDtls></NtryDtls>
    </Ntry>
  </{name}></{message}></Document>""".encode()


def one(**written: object) -> Entry:
    """Return a booked credit of 100.00 CNY with what is *written* over it."""
    entry = Entry(
        index=1, amount=Decimal("100.00"), currency="CNY", is_credit=True, booking_day=date(2026, 12, 15)
    )
    return replace(entry, **written)  # type: ignore[arg-type]


def back(*entries: Entry, **written: object) -> Statement:
    """Return what is read of a statement written with *entries*."""
    new: NewStatement = replace(MORNING, entries=entries, **written)  # type: ignore[arg-type]
    (found,) = statement.read(write(new))
    return found


# -- versions ---------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "version"), VERSIONS)
def test_every_version_gives_the_same_entry(kind: str, version: int) -> None:
    (found,) = statement.read(small(kind, version))
    (entry,) = found.entries
    assert (found.kind, found.version, found.id, found.message_id) == (kind, f"001.{version:02d}", "S1", "M1")
    assert (found.account, found.is_iban, found.created_at) == (
        "CH2801234000123456789", True, "2026-12-15T12:00:01",
    )  # fmt: skip
    assert (str(entry.amount), entry.currency, entry.is_credit, entry.status) == (
        "12.50",
        "CNY",
        True,
        "BOOK",
    )
    assert (entry.booking_day, entry.booked_at, entry.proprietary_code) == (date(2026, 12, 15), "", "IN")
    (detail,) = entry.details
    assert (detail.end_to_end_id, detail.debtor_name, detail.remittance) == ("E1", "Li", ("JZ-1",))
    if kind != "camt.054":
        closing = found.balance("CLBD")
        assert closing is not None
        assert (closing.amount, closing.day) == (Decimal("-7.50"), date(2026, 12, 15))


def test_the_key_of_an_entry_does_not_change_with_message_or_version() -> None:
    later = [(kind, version) for kind, version in VERSIONS if version >= 3]
    keys = {statement.read(small(kind, version))[0].entries[0].key for kind, version in later}
    assert len(keys) == 1


def test_a_path_and_its_bytes_are_read_alike_and_carry_their_digest(tmp_path: Path) -> None:
    body = (EXAMPLES / "2026-12-15-morning.camt053.xml").read_bytes()
    path = tmp_path / "file.xml"
    path.write_bytes(body)
    assert statement.read(path) == statement.read(str(path)) == statement.read(body)
    assert statement.read(body)[0].file_digest == hashlib.sha256(body).hexdigest()
    assert statement.read(path)[0].file_name == str(path)
    assert statement.read(body, name="upload 7")[0].file_name == "upload 7"


def test_the_parts_come_in_the_order_of_the_file() -> None:
    found = list(statement.parts(EXAMPLES / "2026-12-15-evening.camt053.xml"))
    assert [type(part) for part in found] == [StatementHead, Entry, StatementEnd]
    assert found[-1] == StatementEnd(entry_count=1, warnings=())


def test_a_statement_without_entries_is_a_statement() -> None:
    found = back()
    assert found.entries == ()
    assert found.account == "1001-EXAMPLE-0001"


def test_an_entry_knows_the_line_where_it_stands() -> None:
    path = EXAMPLES / "2026-12-15-morning.camt053.xml"
    (found,) = statement.read(path)
    lines = path.read_text().splitlines()
    assert [lines[entry.line - 1].strip() for entry in found.entries] == ["<Ntry>"] * 5


def test_a_page_of_several_is_told_and_its_balances_are_not_compared() -> None:
    pages = "<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"
    (found,) = statement.read(small("camt.053", 8, head=pages))
    assert not found.is_whole
    assert found.warnings == ()


def test_an_entry_hidden_in_supplementary_data_is_not_money() -> None:
    whole = small("camt.053", 8).decode().partition("?>")[2]
    for hidden in (whole, whole[whole.index("<Ntry>") : whole.index("</Ntry>") + 7]):
        inside = f"<SplmtryData><Envlp>{hidden}</Envlp></SplmtryData>"
        (found,) = statement.read(small("camt.053", 8, inside=inside))
        assert len(found.entries) == 1
        assert len(found.entries[0].details) == 1


def test_a_date_beyond_the_calendar_is_a_mistake_with_its_line() -> None:
    body = small("camt.053", 8).replace(b"<BookgDt><Dt>2026", b"<BookgDt><Dt>12026")
    with pytest.raises(StatementError, match=r"BookgDt.*outside the years 1 to 9999"):
        statement.read(body, name="x.xml")


def test_a_date_with_an_offset_is_the_day_of_that_place() -> None:
    body = small("camt.053", 8).replace(b"<BookgDt><Dt>2026-12-15", b"<BookgDt><Dt>2026-12-15+08:00")
    assert statement.read(body)[0].entries[0].booking_day == date(2026, 12, 15)


def test_a_comment_inside_an_amount_does_not_change_it() -> None:
    body = small("camt.053", 8).replace(b">12.50</Amt>", b">1<!-- x -->2.50</Amt>")
    assert str(statement.read(body)[0].entries[0].amount) == "12.50"


# -- keys -------------------------------------------------------------------------------


def test_the_bank_reference_makes_the_key_and_the_wording_does_not_matter() -> None:
    first = back(one(servicer_reference="B1", details=(Detail(remittance=("hello",)),))).entries[0].key
    again = back(one(servicer_reference="B1", additional_info="other words")).entries[0].key
    pending = back(one(servicer_reference="B1", status="PDNG")).entries[0].key
    assert first == again == pending


def test_a_fee_with_the_reference_of_its_payment_has_its_own_key() -> None:
    payment = one(servicer_reference="B1")
    fee = one(servicer_reference="B1", amount=Decimal("0.50"), is_credit=False, index=2)
    assert len({entry.key for entry in back(payment, fee).entries}) == 2


def test_what_banks_write_for_no_reference_is_no_reference() -> None:
    keys = [
        back(one(servicer_reference="NONREF", details=(Detail(remittance=(text,)),))).entries[0].key
        for text in ("a", "b")
    ]
    assert keys[0] != keys[1]


def test_two_equal_entries_of_one_statement_have_two_keys_and_the_same_two_again() -> None:
    twins = (one(), one(index=2))
    first, again = back(*twins), back(*twins)
    assert len({entry.key for entry in first.entries}) == 2
    assert [entry.key for entry in first.entries] == [entry.key for entry in again.entries]


def test_another_account_or_amount_gives_another_key_and_another_spelling_does_not() -> None:
    plain = back(one()).entries[0].key
    assert back(one(amount=Decimal("100.0"))).entries[0].key == plain
    assert back(one(amount=Decimal("100.01"))).entries[0].key != plain
    assert back(one(), account="another").entries[0].key != plain
    assert back(one(is_reversal=True)).entries[0].key != plain


# -- parties ----------------------------------------------------------------------------


def test_the_counterparty_of_a_credit_is_the_payer_and_of_a_debit_the_payee() -> None:
    detail = Detail(debtor_name="Li", debtor_account="1", creditor_name="Wang", creditor_account="2")
    assert one().counterparty_account(detail) == "1"
    assert one(is_credit=False).counterparty_name(detail) == "Wang"
    # A payout that comes back is a credit, but its parties are those of the payout.
    assert one(is_reversal=True).counterparty_account(detail) == "2"


# -- sums -------------------------------------------------------------------------------


def test_payments_that_do_not_sum_to_their_entry_are_told() -> None:
    details = (Detail(amount=Decimal("60"), currency="CNY"), Detail(amount=Decimal("39.99"), currency="CNY"))
    assert back(one(details=details)).warnings == ("entry 1 is 100.00 and its payments sum to 99.99",)


def test_payments_in_another_currency_or_without_amounts_are_not_compared() -> None:
    assert back(one(details=(Detail(amount=Decimal("13"), currency="USD"),))).warnings == ()
    assert back(one(details=(Detail(end_to_end_id="x"),))).warnings == ()


def test_a_payment_the_other_way_counts_against_its_entry() -> None:
    details = (
        Detail(amount=Decimal("101"), currency="CNY", is_credit=True),
        Detail(amount=Decimal("1"), currency="CNY", is_credit=False),
    )
    assert back(one(details=details)).warnings == ()


def test_only_booked_entries_move_the_balance() -> None:
    found = back(one(), one(index=2, status="PDNG"), closing=Decimal("100.00"))
    assert found.warnings == ()
    found = back(one(), one(index=2, status="PDNG"), closing=Decimal("200.00"))
    assert "but the closing balance is 200.00" in found.warnings[0]


def test_a_summary_that_counts_otherwise_is_told() -> None:
    summary = """<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries><Sum>12.5</Sum></TtlNtries>
      <TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>13</Sum></TtlCdtNtries></TxsSummry><Ntry>"""
    body = small("camt.053", 8).replace(b"<Ntry>", summary.encode())
    assert statement.read(body)[0].warnings == (
        "summary says 2 entries, found are 1",
        "summary says 13 sum of credits, found are 12.50",
    )


# -- there and back ---------------------------------------------------------------------

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Zs", "Zl", "Zp")),
    min_size=1,
    max_size=34,
)
MAYBE = st.just("") | TEXT
AMOUNT = st.decimals(min_value=0, max_value=10**12, places=2, allow_nan=False, allow_infinity=False)
ACCOUNT = MAYBE.filter(lambda text: not is_iban(text)) | st.just("CH9300762011623852957")
DETAILS = st.builds(
    Detail,
    is_credit=st.sampled_from([None, True, False]),
    end_to_end_id=MAYBE,
    instruction_id=MAYBE,
    transaction_id=MAYBE,
    mandate_id=MAYBE,
    servicer_reference=MAYBE,
    remittance=st.lists(TEXT, max_size=3).map(tuple),
    creditor_references=st.lists(TEXT, max_size=2).map(tuple),
    debtor_name=MAYBE,
    debtor_account=ACCOUNT,
    creditor_name=MAYBE,
    creditor_account=ACCOUNT,
    return_reason=st.sampled_from(["", "AC04"]),
    additional_info=MAYBE,
) | st.builds(Detail, amount=AMOUNT, currency=st.sampled_from(["CNY", "HKD"]))
ENTRIES = st.builds(
    Entry,
    index=st.just(1),
    amount=AMOUNT,
    currency=st.sampled_from(["CNY", "HKD"]),
    is_credit=st.booleans(),
    status=st.sampled_from(["BOOK", "PDNG", "INFO"]),
    is_reversal=st.booleans(),
    booking_day=st.none() | st.dates(min_value=date(1970, 1, 1)),
    value_day=st.none() | st.dates(min_value=date(1970, 1, 1)),
    servicer_reference=MAYBE,
    entry_reference=MAYBE,
    bank_code=st.sampled_from(["", "PMNT/RCDT/DMCT"]),
    proprietary_code=MAYBE,
    payments_announced=st.none() | st.integers(0, 10**9),
    details=st.lists(DETAILS, max_size=3).map(tuple),
    additional_info=MAYBE,
)


@given(st.lists(ENTRIES, max_size=4))
def test_entries_written_are_read_back_equal(written: list[Entry]) -> None:
    numbered = [replace(entry, index=index) for index, entry in enumerate(written, start=1)]
    found = back(*numbered)
    assert list(found.entries) == numbered
    assert len({entry.key for entry in found.entries}) == len(numbered)
    assert write(replace(MORNING, entries=numbered)) == write(replace(MORNING, entries=found.entries))


def test_the_writer_says_what_it_cannot_write() -> None:
    with pytest.raises(OrderError, match="AcctSvcrRef has 36 characters; at most 35 are allowed"):
        write(replace(MORNING, entries=(one(servicer_reference="x" * 36),)))
    with pytest.raises(OrderError, match="control characters"):
        write(replace(MORNING, entries=(one(additional_info="a\0b"),)))
