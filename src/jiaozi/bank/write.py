"""The few XML parts that both writers share: elements, accounts, banks, dates, the last check."""

from __future__ import annotations

import re
import threading
from typing import Any

from lxml import etree

from jiaozi.bank.faults import in_words
from jiaozi.bank.xml import Message, schema_of

# lxml keeps the faults with the schema, which all threads share.
_ONE_AT_A_TIME = threading.Lock()

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_CNAPS = re.compile(r"[0-9]{12}")
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Builder:
    """Writes the elements of one message in the order in which they are asked for."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._space = f"{{{message.namespace}}}"
        names: Any = {None: message.namespace}
        self.root: Any = etree.Element(self._space + "Document", nsmap=names)

    def add(self, parent: Any, *path: str, text: str = "", **attributes: str) -> Any:
        """Add the elements of *path* inside one another and return the innermost."""
        for step in path:
            parent = etree.SubElement(parent, self._space + step)
        parent.text = text or None
        for name, value in attributes.items():
            parent.set(name, value)
        return parent

    def add_texts(self, parent: Any, **texts: str) -> None:
        """Add an element for each text that is not empty."""
        for name, text in texts.items():
            if text:
                self.add(parent, name, text=text)

    def add_account(self, parent: Any, name: str, account: str) -> Any:
        """Add an account, as an IBAN when it is one, else as the bank's own number."""
        element = self.add(parent, name)
        if is_iban(account):
            self.add(element, "Id", "IBAN", text=account)
        else:
            self.add(element, "Id", "Othr", "Id", text=account)
        return element

    def add_bank(self, parent: Any, name: str, bank: str) -> None:
        """Add a bank by its BIC or by its twelve-digit number in China's payment system."""
        identity = self.add(parent, name, "FinInstnId")
        if is_cnaps(bank):
            member = self.add(identity, "ClrSysMmbId")
            self.add(member, "ClrSysId", "Cd", text="CNAPS")
            self.add(member, "MmbId", text=bank)
        else:
            self.add(identity, "BICFI", text=bank)

    def faults(self) -> list[str]:
        """Return what the official schema finds in the message, in words; nothing when it is right."""
        schema: Any = schema_of(self._message)
        with _ONE_AT_A_TIME:
            faults = [] if schema.validate(self.root) else list(schema.error_log)
        found = []
        for fault in faults:
            element = re.match(r"Element '(?:\{[^}]*\})?([^']*)'", fault.message)
            found.append(f"{element[1] if element else 'message'} {in_words(fault.message)}")
        return found

    def document(self) -> bytes:
        """Return the message as a UTF-8 file, indented, the same bytes every time."""
        etree.indent(self.root, space="  ")
        body: bytes = etree.tostring(self.root, encoding="UTF-8")
        return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"


def is_iban(account: str) -> bool:
    """Return whether *account* is an IBAN whose check digits hold (ISO 13616, mod 97)."""
    if not looks_like_iban(account):
        return False
    digits = "".join(str(int(letter, 36)) for letter in account[4:] + account[:4])
    return int(digits) % 97 == 1


def looks_like_iban(account: str) -> bool:
    """Return whether *account* has the form of an IBAN, right or mistyped."""
    return _IBAN.fullmatch(account) is not None


def is_bic(bank: str) -> bool:
    """Return whether *bank* has the form of a BIC (ISO 9362)."""
    return _BIC.fullmatch(bank) is not None and not bank.isdigit()


def is_cnaps(bank: str) -> bool:
    """Return whether *bank* has the form of a bank number in China's payment system: twelve digits."""
    return _CNAPS.fullmatch(bank) is not None


def is_plain(text: str) -> bool:
    """Return whether XML can hold *text*: no control characters, no half characters."""
    return _NO_XML.search(text) is None
