"""A book run fast. Everything here gives the same bits as `decide`.

program    a book compiled to small integer tables
kernel     the tables run at machine speed, also inline in the ledger
compiled   how functions of the payment path become machine code
"""
