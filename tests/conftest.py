"""Settings of the property tests: in CI the same examples each time, on a desk new ones with their seed printed."""

from __future__ import annotations

import os

from hypothesis import settings

# A deadline measures the machine, not the code: a busy core would fail a right answer.
settings.register_profile("desk", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
