"""The ledger: who holds what, moved under law, durable before it is answered.

records   the 64-byte account and the 64-byte transfer
columns   transfers from columns: arrays, Arrow, data frames, words
results   the answers a transfer can get, in their order of precedence
numbers   account numbers as people write them, with check digits
ids       ids of transfers: time-ordered, or derived from what they book
facts     what enters the journal beside transfers: licences, consents, freezes, law
taking    facts checked and folded into a copy of the register, all or none
opening   what may be opened as an account
register  the folded facts: issuers, coins, consents, orders
idindex   every id ever taken, so that nothing is booked twice
kernel    the one pass that asks the law and moves the money
plain     what that pass means, made to be read; never run, the kernel is tested against it
plain_books  the books of the plain executor, and what the law may ask of them
question  what the law is asked about a transfer, in words
state     the fold of the journal: everything above, and its digest
payload   what stands in a frame of transfers
frames    the layout of a journal frame
segments  the files a journal is made of
group     frames that go to the disk together
writer_lock     keeps a second process from writing
journal_read    frames checked, a torn tail told from damage
journal_verify  a journal read from its first byte to its last
journal_export  frames told: as lines, CSV or JSON
journal   frames appended, flushed in groups, one writer
snapshot  the state after one frame, on disk: when it is believed, which are kept
snapshot_parts  what is in it: a state taken apart and put together again
snapshot_files  the file of a snapshot: parts, their digests, written whole or not at all
snapshot_ids    the id table as a snapshot keeps it
restart   the newest good snapshot and the frames behind it; snapshots from a running ledger's journal
ledger    the public surface: open, record, post, cut, snapshot
history   transfers of an account, read back from the journal
activity  counts by minute and by reason, for those who watch
backup    an office copied while it works, and put back whole
backup_files    what a backup is made of, read as if anyone had written it
"""
