"""Trying things out before anyone depends on them.

population   holders and a day of their payments, from a seed
"""
