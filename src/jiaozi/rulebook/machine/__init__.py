"""A book run fast. Everything here gives the same bits as `decide`.

layout     where things stand in a compiled book
code       conditions as instructions that jump on their answers
program    a book compiled to one array of numbers
kernel     the array run at machine speed, also inline in the ledger
columns    a book asked over columns of facts with NumPy
sql        a book written as one SELECT for DuckDB

How the kernel becomes machine code is in `jiaozi/compiled.py`: the ledger and the proof need the same.
"""
