"""History: what happened, read back. Nothing of it is kept in memory; sealed files make it fast.

rows      rows and entries: what is kept of a transfer, and what it did to its two accounts
units     the sealed files: their heads, how they join
parquet   columns in and out of Parquet, through DuckDB
sealing   whole segments of the journal become sealed files
asked     what is asked and what comes back: places, pages, balances
sealed    questions to the sealed files, one at a time
tail      frames that are not sealed yet, and which accounts are in them
reading   transfers of an account, lookups, balances at any time, sealed or not
lines     the newest transfers of an account, for a page
sql       one SELECT over everything, and nothing else
sql_words       words for numbers in it: accounts, names of reasons
statement       an account's statement for a period
statement_text  the same as text, CSV and camt.053
beside    all of it, of a ledger that is open
changes   a stream of what happened that loses nothing and repeats nothing
"""

from jiaozi.ledger.history.lines import Line, account_lines

__all__ = ["Line", "account_lines"]
