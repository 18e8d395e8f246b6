"""What is wrong with a request, for whoever made it: a status, and a sentence in his language."""

from __future__ import annotations

from jiaozi.server.language import Reader


class Problem(Exception):
    """A request that cannot be answered as it stands. *name* is a key of `[problem]` in words.toml."""

    def __init__(self, status: int, name: str, **values: object) -> None:
        super().__init__(name)
        self.status = status
        self.name = name
        self.values = values

    def sentence(self, reader: Reader) -> str:
        """Return what is wrong and what to do."""
        return reader(f"problem.{self.name}", **self.values)


def problem_of(status: int) -> Problem:
    """Return the problem for a bare HTTP status."""
    named = {404: "not_found", 405: "method_not_allowed", 421: "wrong_host", 503: "not_ready"}
    return Problem(status, named.get(status, "fault" if status >= 500 else "bad_request"))
