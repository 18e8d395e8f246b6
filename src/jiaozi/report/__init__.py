"""What is told to others: the day's figures, the evening's reconciliation, proofs.

overview   one coin at a glance: coins, reserve, coverage, payments, refusals
evening    the cut, the reconciliation, the checkpoint and the proofs made from it
"""
