"""Every sample in ../shared/data/iso20022 is read with the right sums, or refused with its place.

The expected figures were found without Jiaozi, by regular expressions over the raw
text; the files were written by banks and by other projects.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from jiaozi.bank import statement
from jiaozi.errors import StatementError

SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "iso20022"

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the sample statements of other projects are not beside the repository"
)

# file, entries, sum of credits, sum of debits
READ = """
genkgo-camt052.v8.xml                                1         0    200000
genkgo-camt053.v2.five.decimals.xml                  1     8.850         0
genkgo-camt053.v2.minimal.xml                        1      8.85         0
genkgo-camt053.v2.multi.statement.xml                2      8.85      7.00
genkgo-camt053.v4.xml                                1      8.85         0
genkgo-camt053.v8.xml                                1      8.85         0
genkgo-camt054.v8-with-UETR.xml                      1         0    200000
genkgo-camt054.v8.xml                                1         0    200000
iso20022js-goldman_sachs-camt_053_us_v2_sample.xml  15    100.00     69.06
iso20022js-ing-example_camt.xml                      9    990.00    385.00
moov-200519_camt054-returns_p_ch2909000000250094239_1109800798_0_2019052023472022.xml  1  400.00  0
moov-200924_camt.054_P_CH2909000000250094239_1111091335_0_2020061900081727.xml  1  1692.22  0
moov-FI_camt_053_sample.xml.xml                     10  23075.00   9430.17
moov-statement_1.xml                                 4         0   2768.08
viafintech-054-valid_example.xml                     4     80.56     21.53
"""

# file, line, element
REFUSED = """
fednow-sample-participant-message.xml            1  FedNowIncoming
genkgo-camt053.v2.wrong.xml                      3  Document/BkToCstmrStmt
iso20022js-cross_river-pain_001_rtp_credit.xml   1  Document
iso20022js-example-sepa_pain_001_v3.xml          1  Document
iso20022js-nordea-pain_002_v3_txn_reject.xml     1  Document
moov-pain002-epo_p_ch2909000000250094239_1109800799_0_2018032612092784.xml  1  Document
prowide-pacs.008.001.07.xml                      1  message
viafintech-053-valid_example_with_batch.xml    143  Stmt[1]/Ntry[1]/NtryDtls/Btch/MsgId
"""


def _table(text: str) -> list[tuple[str, ...]]:
    return [tuple(line.split()) for line in text.strip().splitlines()]


def test_the_tables_name_every_sample() -> None:
    named = {row[0] for row in _table(READ) + _table(REFUSED)}
    assert named == {path.name for path in SAMPLES.glob("*.xml")}


@pytest.mark.parametrize(("name", "count", "credits", "debits"), _table(READ))
def test_a_sample_is_read_to_the_last_cent(name: str, count: str, credits: str, debits: str) -> None:
    found = [entry for _, entry in statement.entries(SAMPLES / name)]
    assert len(found) == int(count)
    assert sum((e.amount for e in found if e.is_credit), Decimal(0)) == Decimal(credits)
    assert sum((e.amount for e in found if not e.is_credit), Decimal(0)) == Decimal(debits)
    assert len({entry.key for entry in found}) == len(found)


@pytest.mark.parametrize(("name", "line", "element"), _table(REFUSED))
def test_a_sample_is_refused_with_its_line_and_element(name: str, line: str, element: str) -> None:
    with pytest.raises(StatementError) as caught:
        statement.read(SAMPLES / name)
    (mistake,) = caught.value.mistakes
    assert (mistake.line, mistake.subject) == (int(line), element)
    assert "urn:iso" not in mistake.message


def test_an_amount_with_five_decimals_stays_as_it_is_written() -> None:
    (found,) = statement.read(SAMPLES / "genkgo-camt053.v2.five.decimals.xml")
    assert str(found.entries[0].amount) == "8.850"


def test_both_statements_of_one_file_are_read_with_the_digest_of_the_file() -> None:
    first, second = statement.read(SAMPLES / "genkgo-camt053.v2.multi.statement.xml")
    assert first.file_digest == second.file_digest
    assert first.totals() == {"credit": Decimal("8.85"), "debit": Decimal(0)}
    assert second.totals() == {"credit": Decimal(0), "debit": Decimal("7.00")}


def test_the_old_and_the_new_form_of_a_status_read_alike() -> None:
    (old,) = statement.read(SAMPLES / "genkgo-camt053.v2.minimal.xml")
    (new,) = statement.read(SAMPLES / "genkgo-camt053.v8.xml")
    assert old.entries[0].status == new.entries[0].status == "BOOK"


def test_a_uetr_is_read() -> None:
    (found,) = statement.read(SAMPLES / "genkgo-camt054.v8-with-UETR.xml")
    assert found.entries[0].details[0].uetr == "255ae394-9965-4438-ac86-f406feada396"


def test_a_batch_keeps_each_payment_and_a_wrong_count_is_told() -> None:
    (found,) = statement.read(SAMPLES / "genkgo-camt054.v8.xml")
    details = found.entries[0].details
    assert [str(detail.amount) for detail in details] == ["3.1", "3.2", "3.2"]
    assert details[2].creditor_references == ("Ref number V3 block 1", "Ref number V3 block 2")
    assert details[2].remittance[:2] == (
        "Unstructured Remittance Information V3 block 1",
        "Unstructured Remittance Information V3 block 2",
    )
    assert found.warnings == ("entry 1 announces 2 payments and lists 3",)


def test_a_closing_balance_that_does_not_follow_is_told_and_not_refused() -> None:
    (found,) = statement.read(SAMPLES / "genkgo-camt053.v2.five.decimals.xml")
    assert found.warnings == (
        "opening balance 18.150 and booked entries 8.850 give 27.000, but the closing balance is 27.050",
    )
