"""Snapshots: the state after one frame, on disk. Never the truth: the journal is.

snapshot  when one is believed, which are kept
parts     what is in it: a state taken apart and put together again
files     its file: parts, their digests, written whole or not at all
ids       the id table as a snapshot keeps it
"""
