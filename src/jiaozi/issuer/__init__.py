"""What an issuer does: takes in bank money, issues coins against it, redeems them at par.

sheet      the issuer's own accounts in the ledger
notes      why an entry or an order waits, in either language
store      orders, bank entries and redemptions, in SQL
intake     a bank statement becomes coins, once; what matches nothing waits in a queue
redeem     coins are burned, the payout is ordered, the deadline is counted; `finish` after a crash
outbox     payment orders for the bank, each sent once
"""
