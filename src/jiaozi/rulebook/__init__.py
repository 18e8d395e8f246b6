"""The law: read strictly, asked by several executors that give the same bits.

model      what a book is made of; frozen values
language   the small expression language of conditions
read       TOML in, a book or every mistake out
vocabulary facts, values, places: the words a rule may use
timeline   the intervals between the dates on which anything changes
decide     the plain interpreter: the reference for every other executor
explain    a refusal in words: rule, numbers compared, article, date
program    a book compiled to small integer tables
kernel     the tables run at machine speed, also inline in the ledger
page       the law as a readable page, English and Chinese
calendars  working days, from dated notices
"""
