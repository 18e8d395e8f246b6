"""Posting: what a transfer does to the accounts, and what stands in its way.

plain     what it means, made to be read; never run, the kernel is tested against it
plain_books  the books of the plain executor, and what the law may ask of them

kernel    the one pass over a frame: form, id, chain, and in the middle of it
judge     whether one transfer may be booked: accounts, orders, the law, the balance last
beside    another law asked in the same pass, which decides nothing
two_phase reserved, posted, voided, timed out, balanced
moving    both sides booked, a person's sums and counts, a failed chain undone
setting   what is the same for a whole frame, as one array of numbers
asking    a book made ready to be asked, and the days of an instant
supplied  what the ledger tells the law, and the columns of the table of coins
pendings  open pending transfers: a table by id, a heap by deadline
idindex   every id that is remembered, so that nothing is booked twice; grows without a pause
stamps    what an id remembers of its transfer
arena     memory for large arrays, which grow where they lie; scratch files for larger ones
holders   records of holders, in memory or in a scratch file
"""
