"""From files to a book, strictly: every mistake with its line, or a book.

read          TOML in, a book or every mistake out
read_words    the words: places, facts, values, counters
read_sources  the texts that are cited, events, the steps of places
read_rules    rules, duties, and what must always hold
read_values   numbers, each from a day on
read_changes  what a draft or a reform changes in the law of others
ground        what these readers share: articles, conditions, dates
toml          strict tables, each key with its line
check         what can be wrong between rules
cases         questions whose answers are known, one a file
given         facts as people give them
calendars     working days, from dated notices
"""
