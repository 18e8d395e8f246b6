"""The law: read strictly, asked by several executors that give the same bits.

language   the small expression language of conditions
vocabulary facts, values, places: the words a rule may use
provisions what a book is made of: rules, needs, duties, values
model      a book: all of them as one frozen value
canonical  what a book says, as data that is hashed
known      a book cut back to what was known on a day
timeline   the intervals between the dates on which anything changes
decide     the plain interpreter: the reference for every other executor

The names below are the ones to import; none of them needs a compiler.

reading/   TOML in, a book or every mistake out
machine/   a book run fast: compiled to tables, over columns, inline in the ledger
telling/   a book in words: refusals, pages, differences, comparisons
"""

from jiaozi.rulebook.decide import Decision, decide
from jiaozi.rulebook.known import as_known
from jiaozi.rulebook.model import Action, Book
from jiaozi.rulebook.reading.read import ALL, read, read_folder, with_reform
from jiaozi.rulebook.telling.compare import compare
from jiaozi.rulebook.telling.diff import diff_books, diff_days
from jiaozi.rulebook.telling.explain import Viewer, explain, line

__all__ = [
    "ALL",
    "Action",
    "Book",
    "Decision",
    "Viewer",
    "as_known",
    "compare",
    "decide",
    "diff_books",
    "diff_days",
    "explain",
    "line",
    "read",
    "read_folder",
    "with_reform",
]
