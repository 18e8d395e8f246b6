"""Files of one spelling: JSON that is read only if writing it again gives the same bytes.

The rules are those of the proof file, and so are the patterns: numbers are strings
of digits, hashes lower-case hex, keys stand in one order. What is too large or
nested too deeply is refused before a parser sees it.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from jiaozi.proof.verify_jiaozi import need, plain_base64


def written(value: dict[str, Any]) -> str:
    """Return the one text of *value*."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def read(text: str | bytes, *, what: str, size_limit: int, brackets: int = 400) -> dict[str, Any]:
    """Return the object in *text*; its members are not looked at.

    *brackets* is the number of opening ones from which on the text is not parsed. Raises
    `StepError` in words about *what*.
    """
    data = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    need(len(data) > 0, f"the {what} is empty")
    need(len(data) <= size_limit, f"the {what} is larger than {size_limit:,} bytes")
    need(data.count(b"[") + data.count(b"{") < brackets, f"the {what} is nested more deeply than it can be")
    try:
        value = json.loads(data.decode())
        again = written(value).encode()
    except (ValueError, RecursionError):
        value, again = None, data
    need(isinstance(value, dict), f"the {what} is not one JSON object in UTF-8, or something follows it")
    need(data == again, f"the {what} has a key twice, or blanks or escapes that do not belong there")
    return dict(value)


def rows_of(value: Any, form: Any) -> list[Any]:
    """Return *form* as often as the list *value* has members: how many there must be is asked elsewhere."""
    return [form] * len(value if isinstance(value, list) else ())


def pieces_text(pieces: list[bytes]) -> str:
    """Return *pieces*, one after the other, as Base64."""
    return base64.b64encode(b"".join(pieces)).decode()


def pieces_of(text: str, count: int, size: int, place: str) -> list[bytes]:
    """Return the *count* pieces of *size* bytes that *text* is the Base64 of. Raises `StepError`."""
    data = plain_base64(text)
    need(len(data) == count * size, f"{place} is not the Base64 of {count:,} times {size} bytes")
    return [data[start : start + size] for start in range(0, len(data), size)]
