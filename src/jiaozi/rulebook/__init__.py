"""The law: read strictly, asked by several executors that give the same bits.

language   the small expression language of conditions
vocabulary facts, values, places: the words a rule may use
provisions what a book is made of: rules, needs, duties, values
model      a book: all of them as one frozen value
canonical  what a book says, as data that is hashed

read       TOML in, a book or every mistake out
read_words the words and sources, read likewise
toml       strict tables, each key with its line
check      what can be wrong between rules

timeline   the intervals between the dates on which anything changes
decide     the plain interpreter: the reference for every other executor
program    a book compiled to small integer tables
kernel     the tables run at machine speed, also inline in the ledger
compiled   how functions of the payment path become machine code

explain    a refusal in words: rule, numbers compared, article, date
wording    a condition in words, English and Chinese
sections   the law of one day in words, cut into sections
page       those sections as Markdown and HTML
calendars  working days, from dated notices
"""
