"""The bank room: ISO 20022 messages in and out.

message.py     the records: Statement, Entry, Detail, Balance
statement.py   reads camt.052/053/054: `read` for a list, `parts` and `entries` for a stream
totals.py      compares what a statement says of itself with what it holds
xml.py         lets a file in: no DOCTYPE, no network, bounded, the official schema first
check.py       the schema pass: every fault, with its line and element
keys.py        the key that names an entry for ever, however often it is read
faults.py      says in a bank operator's words what the schema found
payout.py      writes pain.001.001.09, the order to pay redemptions out
camt_write.py  writes camt.053.001.08: our own accounts, examples, tests
write.py       the few XML parts that both writers share
schemas/       the official schemas, unchanged
examples/      statements of an invented issuer at an invented bank
"""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).parent / "examples"
"""The folder of the statements that ship with the project, all invented."""
