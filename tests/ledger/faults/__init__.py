"""Faults for tests: a disk that loses what was not flushed, processes that die, a log of long runs.

rounds    how often a fault is tried: a little in the ordinary run, long by `make torture`
disk      every write, sync and change of a name recorded; the disk as a power cut may leave it
images    the choices of a power cut: what of the unflushed bytes and names is kept
nursery   a process that has loaded everything and forks one that is to die
victims   what those processes do until then
"""
