"""Tests of the law. A package, so that the helpers here are found by pytest and mypy alike."""
