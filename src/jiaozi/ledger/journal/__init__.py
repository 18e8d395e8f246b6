"""The journal: frames in a row, durable before anyone is told.

frames    the layout of a frame
segments  the files a journal is made of
group     frames that go to the disk together
journal   frames appended, flushed in groups, one writer
writer_lock     keeps a second process from writing
durable_mark    how far the journal is known to be flushed
reading   frames checked, a torn tail told from damage
ahead     what a walk needs next, read by a thread of its own
verify    a journal read from its first byte to its last
export    frames told: as lines, CSV or JSON
"""
