"""The ledger: who holds what, moved under law, durable before it is answered.

ledger    the public surface: open, record, post, tick, cut, snapshot
records   the 64-byte account and the 64-byte transfer
results   the answers a transfer can get
notes     text, reason and fields of ISO 20022 beside a transfer
columns   transfers from columns: arrays, Arrow, data frames, words
numbers   account numbers as people write them, with check digits
ids       ids of transfers: time-ordered, or derived from what they book

posting/  what a transfer does: the pass that asks the law and moves the money, and its plain twin
state     the fold of the journal: everything that decides, and its digest
facts     what enters the journal beside transfers: licences, consents, limits, freezes, law
taking    facts checked and folded into a copy of the register, all or none
register  the folded facts: issuers, coins, consents, orders, limits
opening   what may be opened as an account
question  what the law is asked about a transfer, in words

writer    the one thread that changes the state, frame after frame
callers   who waits for an answer: batches, single transfers of threads and of event loops
buffers   room for batches that is used again
counting  frames counted behind the writer's back
memory    room for ids, found before it is needed
shadow    a reform asked beside the law in force, which decides nothing; shadow_rows, its file
digests   SHA-256 of a state, and of long arrays in pieces
activity  counts by minute and by reason, for those who watch

journal/  frames on disk: hashed, chained, flushed before anyone is told
payload   what stands in a frame of transfers
snapshots/  the state after one frame, so that opening need not begin at the first
restart   the newest good snapshot and the frames behind it
history/  what happened, read back: sealed files, SQL, statements, a stream of changes
totals    trial balance and supply, as sums over the accounts
backup    an office copied while it works, and put back whole
backup_files    what a backup is made of, read as if anyone had written it
"""
