"""A process that has loaded everything, and forks one for each victim: a kill costs milliseconds.

    python -m tests.ledger.faults.nursery

A line in: JSON, the name of a function of `victims.py` and its arguments. A line out
when it is born, its process id; a line when it is gone, how it ended: the signal,
negative, or its exit code.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[3]


class Nursery:
    """The process seen from the test."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.ledger.faults.nursery"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)

    def begin(self, function: str, *given: Any) -> int:
        """Fork a victim that runs *function* of `victims.py`; return its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([function, *given]) + "\n")
        self._process.stdin.flush()
        return self._line()

    def end(self) -> int:
        """Wait until the victim is gone; return its exit code, or the signal that ended it, negative."""
        return self._line()

    def run(self, function: str, *given: Any) -> int:
        self.begin(function, *given)
        return self.end()

    def _line(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


def main() -> None:
    from tests.ledger.faults import victims

    # Machine code is loaded here, once. All threads of this ledger are gone before the first fork.
    with tempfile.TemporaryDirectory() as folder:
        victims.warm_up(folder)
    for line in sys.stdin:
        function, *given = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                # What a victim prints must not be taken for a line of the nursery.
                os.dup2(2, 1)
                code = getattr(victims, function)(*given) or 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
