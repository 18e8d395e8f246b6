"""Whatever a file holds, the answer is entries or a StatementError: no traceback, no full memory."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jiaozi.bank import EXAMPLES, check, statement, xml
from jiaozi.errors import Mistake, StatementError
from tests.bank.test_bank_statement import small

MORNING = (EXAMPLES / "2026-12-15-morning.camt053.xml").read_bytes().rstrip()


def refused(body: bytes | Path) -> tuple[Mistake, ...]:
    """Return the mistakes of a file that must not be read."""
    with pytest.raises(StatementError) as caught:
        statement.read(body, name="x.xml")
    assert all(mistake.file == "x.xml" and mistake.message for mistake in caught.value.mistakes)
    assert "{urn:" not in str(caught.value)
    return caught.value.mistakes


def broken(old: str, new: str) -> tuple[Mistake, ...]:
    """Return the mistakes of the morning's statement once *old* is replaced by *new*."""
    text = MORNING.decode()
    assert old in text
    return refused(text.replace(old, new, 1).encode())


# -- not a statement --------------------------------------------------------------------

NO_STATEMENTS = {
    "an empty file": (b"", 0, "is empty"),
    "blanks": (b"  \n ", 2, "is not XML"),
    "text": (b"hello", 1, "is not XML, it starts with"),
    "MT940": (b"\r\n:20:REF\r\n:25:123", 1, "is not XML"),
    "a ZIP archive": (b"PK\x03\x04\x00\x00", 1, "is not XML"),
    "NUL bytes": (b"\0\0\0\0", 1, "is not XML"),
    "an opening bracket": (b"<", 1, "is not XML|broken XML|ends"),
    "UTF-16": ("\ufeff<Document/>".encode("utf-16-le"), 1, "UTF-16"),
    "UTF-16 without a mark": ("<Document/>".encode("utf-16-be"), 1, "UTF-16"),
    "an unknown encoding": (b"<?xml version='1.0' encoding='FOO-9'?><a/>", 1, "encoding that nobody knows"),
    "no namespace": (b"<Document/>", 1, "without a namespace"),
    "a foreign namespace": (b"<Document xmlns='urn:foo'/>", 1, "namespace urn:foo"),
    "a payment order": (MORNING.replace(b"camt.053", b"pain.001"), 1, "is a pain.001.001.08; read are"),
    "a pacs.008": (MORNING.replace(b"camt.053", b"pacs.008"), 1, "is a pacs.008.001.08; read are camt.052"),
    "a future version": (MORNING.replace(b"053.001.08", b"053.001.99"), 1, "is a camt.053.001.99"),
    "version 01": (MORNING.replace(b"053.001.08", b"053.001.01"), 1, "versions 001.02 to 001.14"),
    "a path in the namespace": (MORNING.replace(b"camt.053", b"../../x"), 1, "is no ISO 20022 message"),
    "an envelope": (b"<Envelope>" + MORNING.partition(b"?>")[2] + b"</Envelope>", 1, "out of its envelope"),
    "another root": (
        b"<Stmt xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'/>", 1, "where Document must be",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NO_STATEMENTS)
def test_what_is_no_statement_is_refused_and_said_what_it_is(what: str) -> None:
    body, line, words = NO_STATEMENTS[what]
    (mistake,) = refused(body)
    assert mistake.line == line
    assert any(word in mistake.message for word in words.split("|")), mistake


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StatementError, match="cannot be opened: No such file"):
        statement.read(tmp_path / "nothing.xml")
    with pytest.raises(StatementError, match="cannot be opened"):
        statement.read(tmp_path)
    with pytest.raises(StatementError, match="cannot be opened"):
        statement.read("a\0b")


def test_a_file_that_does_not_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "LARGEST_FILE_BYTES", 1_000_000)
    (mistake,) = refused(Path("/dev/zero"))
    assert "is larger than 1,000,000 bytes" in mistake.message


# -- harmful ----------------------------------------------------------------------------


def test_a_billion_laughs_is_refused_at_the_doctype() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = f'<!DOCTYPE Document [<!ENTITY l0 "ha">{laughs}]>'.encode()
    for start in (b"", b"<?xml version='1.0'?>\n<!-- hello -->"):
        (mistake,) = refused(start + body + MORNING.partition(b"?>")[2].replace(b"Linden", b"&l9;"))
        assert mistake.subject == "DOCTYPE"


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Document [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]>',
        "<!DOCTYPE Document>",
    ],
)
def test_any_doctype_is_refused_and_nothing_is_fetched(doctype: str) -> None:
    body = doctype.encode() + MORNING.partition(b"?>")[2].replace(b"Linden", b"&x;")
    (mistake,) = refused(body)
    assert mistake.subject == "DOCTYPE"


def test_an_entity_that_nobody_declared_is_refused_with_its_line() -> None:
    (mistake,) = broken("Linden", "&linden;")
    assert "uses the entity &linden;" in mistake.message
    assert mistake.line == MORNING.decode().split("Linden")[0].count("\n") + 1


def test_an_instruction_to_include_or_to_style_does_nothing() -> None:
    body = MORNING.replace(b"<BkTo", b'<?xml-stylesheet href="http://127.0.0.1:9/"?><BkTo', 1)
    assert len(statement.read(body)[0].entries) == 5
    mistakes = broken(
        "<Nm>Linden", '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/x"/><Nm>Linden'
    )
    assert "holds elements" in str(mistakes[0]) or "may not stand here" in str(mistakes[0])


def test_a_schema_named_by_the_file_is_not_fetched(tmp_path: Path) -> None:
    # Had it been fetched, "no number" would be a fault of the file's own schema.
    other = tmp_path / "other.xsd"
    other.write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:other">'
        '<xs:element name="e" type="xs:int"/></xs:schema>'
    )
    hidden = (
        '<SplmtryData><Envlp><e xmlns="urn:other" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="urn:other {other.as_uri()}">no number</e></Envlp></SplmtryData>'
    )
    assert len(statement.read(small("camt.053", 8, inside=hidden))[0].entries) == 1


def test_a_prefix_or_a_foreign_declaration_does_not_matter() -> None:
    text = MORNING.decode().replace("<", "<p:").replace("<p:/", "</p:").replace("<p:?", "<?")
    prefixed = text.replace("xmlns=", "xmlns:p=").replace("xmlns:p=", 'xmlns:a="x" xmlns:p=', 1)
    assert [e.key for e in statement.read(prefixed.encode())[0].entries] == [
        e.key for e in statement.read(MORNING)[0].entries
    ]


LARGE = 6_000_000
BEFORE, _, AFTER = MORNING.partition(b"HEB-20261215-AM")
SUPPLEMENT = b"<SplmtryData><Envlp>", b"</Envlp></SplmtryData>"

TOO_MUCH = {
    "one text": BEFORE + b"x" * LARGE + AFTER,
    "one text of marks": BEFORE + b"<![CDATA[" + b"<" * LARGE + b"]]>" + AFTER,
    "one attribute": BEFORE[:-1] + b' a="' + b"x" * LARGE + b'">' + AFTER,
    "many attributes": BEFORE[:-1] + b"".join(b' a%d="1"' % n for n in range(100_000)) + b">" + AFTER,
    "one comment": BEFORE + b"<!--" + b"x" * LARGE + b"-->" + AFTER,
    "one instruction": BEFORE + b"<?x " + b"x" * LARGE + b"?>" + AFTER,
    "blanks": MORNING.replace(b"<Stmt>", b"\n" * LARGE + b"<Stmt>"),
    "blanks inside a tag": MORNING.replace(b"<Stmt>", b"<Stmt" + b" " * LARGE + b">"),
    "a deep nest": MORNING.replace(b"<Stmt>", b"<a>" * 1_000_000),
    "a deep nest where anything may stand": small(
        "camt.053", 8, inside=(SUPPLEMENT[0] + b"<a>" * 200 + b"</a>" * 200 + SUPPLEMENT[1]).decode()
    ),
    "a broad nest where anything may stand": small(
        "camt.053", 8, inside=(SUPPLEMENT[0] + b"<a/>" * (LARGE // 4) + SUPPLEMENT[1]).decode()
    ),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_what_grows_without_end_is_refused(what: str) -> None:
    mistakes = refused(TOO_MUCH[what])
    assert len(mistakes) <= 2 * check.LISTED_FAULTS
    assert len(str(mistakes[0])) < 1_000


def test_a_batch_of_more_payments_than_one_record_may_hold_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(check, "MOST_DETAILS", 10)
    body = small("camt.053", 8)
    detail = body[body.index(b"<TxDtls>") : body.index(b"</TxDtls>") + 9]
    assert len(statement.read(body.replace(detail, detail * 10))[0].entries[0].details) == 10
    (mistake,) = refused(body.replace(detail, detail * 11))
    assert "more than 10 payments in one entry" in mistake.message


# -- broken -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ('Ccy="CNY">3', 'Ccy="yuan">3', "Stmt[1]/Ntry[1]/Amt", "'yuan' has the wrong form; write a currency"),
        ('Ccy="CNY">3', ">3", "Stmt[1]/Ntry[1]/Amt", "lacks its attribute Ccy (currency)"),
        ('Ccy="CNY">3', 'Ccy="CNY" x="1">3', "Stmt[1]/Ntry[1]/Amt", "its attribute x is not allowed"),
        (">30000000.00<", ">-30000000.00<", "Stmt[1]/Ntry[1]/Amt", "CdtDbtInd tells the direction"),
        (">30000000.00<", ">30,000,000.00<", "Stmt[1]/Ntry[1]/Amt", "is no amount; write digits with"),
        (">30000000.00<", ">30000000.000001<", "Stmt[1]/Ntry[1]/Amt", "has more than 5 decimals"),
        (">30000000.00<", ">3000000000000000000<", "Stmt[1]/Ntry[1]/Amt", "has more than 18 digits"),
        (">30000000.00<", "><x/><", "Stmt[1]/Ntry[1]/Amt", "holds elements where only text may stand"),
        ("<Sts>", "<Sts>BOOK", "Stmt[1]/Ntry[1]/Sts", "holds text where only elements may stand"),
        ("<CdtDbtInd>CRDT", "<CdtDbtInd>IN", "Stmt[1]/Bal[1]/CdtDbtInd", "says 'IN'; allowed are CRDT, DBIT"),
        ("<MsgId>", "<MsgId>" + "x" * 35, "GrpHdr/MsgId", "has 50 characters; at most 35 are allowed"),
        ("<Id>HEB-1001-20261215-1</Id>", "<Id></Id>", "Stmt[1]/Id", "is empty"),
        ("T12:00:00+08:00", "", "GrpHdr/CreDtTm", "is no date with a time"),
        ("<Dt>2026-12-15<", "<Dt>15/12/2026<", "Stmt[1]/Bal[1]/Dt/Dt", "is no date; write 2026-12-15"),
        ("<Ntry>", "<Foo/><Ntry>", "Stmt[1]/Foo", "may not stand here; expected is"),
        ("<BkTxCd>", "<BkTxCd/><Foo>", "Stmt[1]/Ntry[1]/Foo", "may not stand here"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_line_element_and_plain_words(
    old: str, new: str, place: str, words: str
) -> None:
    if "<Foo>" in new:
        text = MORNING.decode().replace("</BkTxCd>", "</Foo>", 1).replace(old, new, 1)
        mistake = refused(text.encode())[0]
    else:
        mistake = broken(old, new)[0]
    assert mistake.line == MORNING.decode().partition(old)[0].count("\n") + 1
    assert mistake.subject == place
    assert words in mistake.message


def test_every_fault_is_listed_in_the_order_of_the_file() -> None:
    mistakes = refused(MORNING.replace(b'Ccy="CNY"', b'Ccy="Yuan"'))
    assert [mistake.subject for mistake in mistakes[:3]] == [
        "Stmt[1]/Bal[1]/Amt", "Stmt[1]/Bal[2]/Amt", "Stmt[1]/Ntry[1]/Amt",
    ]  # fmt: skip
    assert len(mistakes) == MORNING.count(b'Ccy="CNY"') == 12
    assert sorted(mistakes, key=lambda mistake: mistake.line) == list(mistakes)


def test_a_file_on_one_line_still_tells_its_faults_apart() -> None:
    flat = b" ".join(MORNING.replace(b'Ccy="CNY"', b'Ccy="Yuan"').split())
    assert len(refused(flat)) == 12
    assert refused(flat)[4].subject == "Stmt[1]/Ntry[2]/Amt" or refused(flat)[3].subject.startswith(
        "Stmt[1]/Ntry"
    )


def test_of_very_many_faults_fifty_are_listed_and_the_rest_is_counted() -> None:
    entry = MORNING[MORNING.index(b"<Ntry>") : MORNING.index(b"</Ntry>") + 7]
    many = MORNING.replace(entry, entry.replace(b"<Cd>BOOK</Cd>", b"") * 60)
    mistakes = refused(many)
    assert len(mistakes) == 51
    assert mistakes[-1].message == "has 10 more faults that are not listed"
    endless = MORNING.replace(entry, entry.replace(b"<Cd>BOOK</Cd>", b"") * 3_000)
    assert "has at least 951 more faults" in refused(endless)[-1].message


def test_faults_before_a_break_are_told_with_the_break() -> None:
    first, second = refused(MORNING.replace(b"<Cd>BOOK</Cd>", b"", 1)[:-30])
    assert first.subject == "Stmt[1]/Ntry[1]/Sts"
    assert "ask the bank to send it again" in second.message


def test_a_wrong_byte_is_told_with_its_line() -> None:
    line = MORNING.partition(b"Linden")[0].count(b"\n") + 1
    (mistake,) = refused(MORNING.replace(b"Linden", b"Lind\xe9n"))
    assert mistake.line == line
    assert "UTF-8" in mistake.message
    (mistake,) = refused(MORNING.replace(b"Linden", b"Lin\0den"))
    assert "NUL" in mistake.message
    (mistake,) = refused(MORNING.replace(b"Linden", b"Lin\x07den"))
    assert "control character" in mistake.message


def test_latin_1_is_read_when_the_file_says_so() -> None:
    text = (
        MORNING.decode()
        .replace("苏河书店", "é")
        .replace("购币", "")
        .replace("请查收", "")
        .replace("货款", "")
    )
    body = text.replace("UTF-8", "ISO-8859-1").encode("latin-1")
    assert statement.read(body)[0].entries[3].details[0].debtor_name == "é"


def test_chinese_encodings_are_read_when_the_file_says_so() -> None:
    body = MORNING.decode().replace("UTF-8", "GB18030").encode("gb18030")
    assert statement.read(body)[0].entries[3].details[0].debtor_name == "苏河书店"


# -- cut and mutated --------------------------------------------------------------------


@given(st.integers(0, len(MORNING) - 1))
@example(len(MORNING) - 1)
@example(1)
@example(38)
def test_a_statement_cut_short_anywhere_is_refused(length: int) -> None:
    mistakes = refused(MORNING[:length])
    assert len(mistakes) == 1


@given(st.data())
def test_a_statement_with_random_damage_is_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(MORNING)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(body) - 1))
        match data.draw(st.sampled_from(["set", "cut", "insert", "double"])):
            case "set":
                body[place] = data.draw(st.integers(0, 255))
            case "cut":
                del body[place : place + data.draw(st.integers(1, 200))]
            case "insert":
                body[place:place] = data.draw(
                    st.binary(max_size=8)
                    | st.sampled_from([b"<", b">", b"&", b"]]>", b"<!--", b"<?", b"<Ntry>"])
                )
            case _:
                body[place:place] = body[place : place + data.draw(st.integers(1, 400))]
        if not body:
            break
    _read_or_refused(bytes(body))


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(body: bytes) -> None:
    refused(body)


@given(st.data())
def test_elements_in_random_order_are_read_or_refused(data: st.DataObject) -> None:
    lines = MORNING.decode().splitlines()
    first, second = data.draw(st.integers(2, len(lines) - 3)), data.draw(st.integers(2, len(lines) - 3))
    lines[first], lines[second] = lines[second], lines[first]
    _read_or_refused("\n".join(lines).encode())


def _read_or_refused(body: bytes) -> None:
    mistakes: tuple[Mistake, ...] = ()
    try:
        statement.read(body)
    except StatementError as error:
        mistakes = error.mistakes
        assert mistakes, "a refusal says why"
    assert len(mistakes) <= check.LISTED_FAULTS + 2


# -- large ------------------------------------------------------------------------------

_MEASURE = """
import resource, sys
from jiaozi.bank import statement
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sum(1 for _ in statement.entries(sys.argv[1]))
before = peak()
count = sum(1 for _ in statement.entries(sys.argv[2]))
print(count, peak() - before)
"""


def test_a_statement_of_fifty_megabytes_is_read_with_flat_memory(tmp_path: Path) -> None:
    start, middle = MORNING.index(b"<Ntry>"), MORNING.index(b"</Ntry>") + 7
    entry, end = MORNING[start:middle], MORNING[MORNING.rindex(b"</Ntry>") + 7 :]
    count = 50_000_000 // len(entry)
    large = tmp_path / "large.xml"
    with large.open("wb") as file:
        file.write(MORNING[:start])
        for _ in range(count):
            file.write(entry)
        file.write(end)

    small_file = EXAMPLES / "2026-12-15-morning.camt053.xml"
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(small_file), str(large)],
        capture_output=True,
        text=True,
        check=True,
    )
    read, grown_kib = map(int, done.stdout.split())
    assert read == count
    # 16 MB of the private copy stay in memory before it goes to disk; keys take the rest.
    assert grown_kib < 48 * 1024


def test_very_many_statements_without_entries_are_read() -> None:
    start, end = MORNING.index(b"<Stmt>"), MORNING.index(b"</Stmt>") + 7
    empty = MORNING[start : MORNING.index(b"<Ntry>")].rstrip() + b"</Stmt>"
    found = statement.read(MORNING[:start] + empty * 5_000 + MORNING[end:])
    assert len(found) == 5_000
    assert len(empty) * 5_000 > check.MOST_BETWEEN_BYTES


def test_threads_reading_at_once_each_get_their_own_answer() -> None:
    wrong = MORNING.replace(b'Ccy="CNY"', b'Ccy="Yuan"')

    def answer(number: int) -> int:
        return len(refused(wrong)) if number % 2 else len(statement.read(MORNING)[0].entries)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(answer, range(80))) == [5, 12] * 40


def test_one_entry_with_very_many_payments_is_read() -> None:
    body = small("camt.053", 8)
    detail = body[body.index(b"<TxDtls>") : body.index(b"</TxDtls>") + 9]
    (found,) = statement.read(body.replace(detail, detail * 20_000))
    assert len(found.entries[0].details) == 20_000
    assert found.warnings == ("entry 1 is 12.50 and its payments sum to 250000.00",)
