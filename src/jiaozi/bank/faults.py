"""Says in a bank operator's words what libxml2 found.

libxml2 writes `Element '{urn:iso:std:iso:20022:tech:xsd:camt.053.001.08}Amt': [facet
'fractionDigits'] The value '1.234567' has more fractional digits than are allowed
('5').` The place is told elsewhere, so what is left to say is: `'1.234567' has more
than 5 decimals`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_LONGEST_QUOTE = 60

_WORDS = {
    "AcctSvcrRef": "the bank's reference",
    "Acct": "account",
    "Amt": "amount",
    "Bal": "balance",
    "BkTxCd": "bank transaction code",
    "BookgDt": "booking date",
    "CdtDbtInd": "credit or debit",
    "Ccy": "currency",
    "CreDtTm": "time of creation",
    "Dt": "date",
    "DtTm": "date and time",
    "GrpHdr": "group header",
    "Id": "identification",
    "MsgId": "message id",
    "Ntfctn": "notification",
    "Ntry": "entry",
    "NtryDtls": "entry details",
    "Rpt": "report",
    "RmtInf": "remittance",
    "Stmt": "statement",
    "Sts": "status",
    "TxDtls": "payment",
    "ValDt": "value date",
}

_PATTERNS = {
    "[A-Z]{3,3}": "write a currency in three capital letters, such as CNY",
    "[A-Z]{2,2}": "write a country in two capital letters, such as CN",
    "[0-9]{1,5}": "write one to five digits",
    "[0-9]{1,15}": "write one to fifteen digits",
    "[A-Z]{2,2}[0-9]{2,2}[a-zA-Z0-9]{1,30}": "it is not an IBAN",
    "[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}": (
        "a UETR is a version 4 UUID in small letters"
    ),
}

_TYPES = (
    ("DateTime", "is no date with a time; write 2026-12-15T09:30:00+08:00"),
    ("Date", "is no date; write 2026-12-15"),
    ("YearMonth", "is no month; write 2026-12"),
    ("Amount", "is no amount; write digits with a point, such as 1234.50"),
    ("Number", "is no number; write digits"),
    ("Rate", "is no number; write digits with a point"),
    ("Indicator", "is neither true nor false"),
    ("boolean", "is neither true nor false"),
    ("decimal", "is no number; write digits with a point"),
)


def in_words(message: str) -> str:
    """Return what a schema fault says, without namespaces and schema language."""
    text = re.sub(r"\{[^{}]*:[^{}]*\}", "", message.strip())
    head = re.match(r"Element '[^']*'(?:, attribute '([^']*)')?: (?:\[facet '\w+'\] )?", text)
    attribute = head[1] if head else None
    text = text[head.end() :] if head else text
    prefix = f"its attribute {attribute} " if attribute else ""
    for pattern, words in _RULES:
        match = re.fullmatch(pattern, text, re.DOTALL)
        if match:
            return prefix + (words if isinstance(words, str) else words(match))
    return prefix + _quote(text, 300)


def syntax_in_words(message: str) -> str:
    """Return what is wrong with a file that is no well-formed XML."""
    text = message.strip()
    for pattern, words in _SYNTAX:
        match = re.search(pattern, text, re.DOTALL)
        if match:
            return words if isinstance(words, str) else words(match)
    return f"is broken XML ({_quote(text, 200)}); ask the bank to send it again"


def _quote(text: str, longest: int = _LONGEST_QUOTE) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 3] + "..."


def _named(element: str) -> str:
    words = _WORDS.get(element)
    return f"{element} ({words})" if words else element


def _either(listed: str) -> str:
    names = [_named(name.strip()) for name in listed.split(",")]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]


def _of_type(match: re.Match[str]) -> str:
    value, type_name = match[1], match[2]
    for part, words in _TYPES:
        if part in type_name:
            return f"'{_quote(value)}' {words}"
    return f"'{_quote(value)}' is not what {type_name} allows"


def _not_expected(match: re.Match[str]) -> str:
    if match[1] is None:
        return "may not stand here, nothing more is expected; take it out"
    return f"may not stand here; expected is {_either(match[1])}"


def _below(match: re.Match[str]) -> str:
    hint = "; CdtDbtInd tells the direction, not a minus sign" if match[1].lstrip().startswith("-") else ""
    return f"'{_quote(match[1])}' is less than {match[2]}{hint}"


def _pattern(match: re.Match[str]) -> str:
    return f"'{_quote(match[1])}' has the wrong form; " + _PATTERNS.get(match[2], f"it must match {match[2]}")


_Rule = tuple[str, str | Callable[[re.Match[str]], str]]
"""What libxml2 writes, and our words for it: fixed, or made of what was matched."""

_RULES: tuple[_Rule, ...] = (
    (
        r"The value '(.*)' is not an element of the set \{(.*)\}\.",
        lambda m: f"says '{_quote(m[1])}'; allowed are {_quote(m[2].replace(chr(39), ''), 200)}",
    ),
    (r"The value '(.*)' is not accepted by the pattern '(.*)'\.", _pattern),
    (
        r"The value has a length of '0'; this underruns the allowed minimum length of '\d+'\.",
        "is empty; write something or leave the element out",
    ),
    (
        r"The value has a length of '(\d+)'; this underruns the allowed minimum length of '(\d+)'\.",
        lambda m: f"has {m[1]} characters; at least {m[2]} are needed",
    ),
    (
        r"The value has a length of '(\d+)'; this exceeds the allowed maximum length of '(\d+)'\.",
        lambda m: f"has {m[1]} characters; at most {m[2]} are allowed",
    ),
    (
        r"The value '(.*)' has more fractional digits than are allowed \('(\d+)'\)\.",
        lambda m: f"'{_quote(m[1])}' has more than {m[2]} decimals",
    ),
    (
        r"The value '(.*)' has more digits than are allowed \('(\d+)'\)\.",
        lambda m: f"'{_quote(m[1])}' has more than {m[2]} digits",
    ),
    (r"The value '(.*)' is less than the minimum value allowed \('(.*)'\)\.", _below),
    (r"'(.*)' is not a valid value of the (?:atomic|local atomic|union|list) type '?([^']*)'?\.", _of_type),
    (r"This element is not expected\.(?: Expected is (?:one of )?\( (.*) \)\.)?", _not_expected),
    (
        r"Missing child element\(s\)\.(?: Expected is (?:one of )?\( (.*) \)\.)?",
        lambda m: f"is not complete; missing is {_either(m[1])}" if m[1] else "is not complete",
    ),
    (r"The attribute '(.*)' is required but missing\.", lambda m: f"lacks its attribute {_named(m[1])}"),
    (r"The attribute '(.*)' is not allowed\.", "is not allowed; take it out"),
    (r"Character content .*", "holds text where only elements may stand"),
    (r"Element content is not allowed.*", "holds elements where only text may stand"),
)

_SYNTAX: tuple[_Rule, ...] = (
    (
        r"Opening and ending tag mismatch: (\S+) line (\d+) and (\S+)",
        lambda m: (
            f"closes {_quote(m[3])} where {_quote(m[1])} of line {m[2]} is still open; "
            "it was cut short or edited, ask the bank to send it again"
        ),
    ),
    (
        r"Premature end of data in tag (\S+)(?: line (\d+))?",
        lambda m: (
            f"ends inside {_quote(m[1])}" + (f" of line {m[2]}" if m[2] else "") + ": it was cut short; "
            "ask the bank to send it again"
        ),
    ),
    (
        r"Document is empty|Start tag expected|no element found",
        "is not XML; ask the bank for the statement as camt.053",
    ),
    (
        r"Couldn't find end|expected '>'|Unfinished|not finished|Extra content at the end",
        "ends in the wrong place; ask the bank to send it again",
    ),
    (
        r"not proper UTF-8|Invalid bytes in character encoding|encoder error|[Ii]nput conversion",
        "holds bytes that its encoding does not know; ask the bank for UTF-8",
    ),
    (
        r"[Uu]nsupported encoding:? ?(\S*)|unknown encoding",
        "names an encoding that nobody knows; ask the bank for UTF-8",
    ),
    (
        r"Char 0x0|Char value 0\b",
        "holds a NUL byte, which no text may; the file was damaged, ask the bank to send it again",
    ),
    (
        r"Char (?:value |0x)(\w+)",
        lambda m: f"holds the control character {m[1]}, which XML does not allow; ask the bank",
    ),
    (
        r"Entity '(.*)' not defined",
        lambda m: f"uses the entity &{_quote(m[1])}; which bank messages do not have",
    ),
    (
        r"limit exceeded|too big|too long|Excessive depth|[Hh]uge",
        "holds something far larger than any bank statement; refuse it",
    ),
)
