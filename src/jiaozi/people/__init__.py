"""Who stands behind an account. Names live here, in a database, and never enter the journal.

parties   names and kinds of holders, by account number
"""
