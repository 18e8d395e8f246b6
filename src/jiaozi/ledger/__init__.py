"""The ledger: who holds what, moved under law, durable before it is answered.

records   the 64-byte account and the 64-byte transfer
results   the answers a transfer can get, in their order of precedence
facts     what enters the journal beside transfers: licences, consents, freezes, law
register  the folded facts: issuers, coins, consents, orders
idindex   every id ever taken, so that nothing is booked twice
kernel    the one pass that asks the law and moves the money
state     the fold of the journal: everything above, and its digest
frames    the layout of a journal frame
journal   frames appended, flushed in groups, one writer
ledger    the public surface: open, record, post, cut
history   transfers of an account, read back from the journal
activity  counts by minute and by reason, for those who watch
"""
