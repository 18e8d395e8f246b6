"""From files to a book, strictly: every mistake with its line, or a book.

read       TOML in, a book or every mistake out
read_words the words and sources, read likewise
toml       strict tables, each key with its line
check      what can be wrong between rules
calendars  working days, from dated notices
"""
