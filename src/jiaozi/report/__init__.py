"""What is told to others: the day's figures, the evening's reconciliation, proofs.

overview   one coin at a glance: coins, reserve, coverage, payments, refusals
cut        all balances of one instant, between two frames or beside the ledger, reconciled
evening    the day is closed: cut, tree, signed checkpoint
evenings   what is kept of each checkpoint, and the proofs made from it on demand
publish    the publication of a coin: every checkpoint, the figures, the means to check them
site/      how the publication is written: figures, pages, the folder
reform/    what a reform would do to a store: pages and text from a replay
"""
