"""Jiaozi runs a fiat-backed coin under written law."""

__version__ = "0.1.0"
