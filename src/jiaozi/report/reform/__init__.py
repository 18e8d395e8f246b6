"""What a reform would do to a store, told to whoever has to judge it: as a page, and as text.

    subject      what is told: a replay, the law that was tried, the book that came of it
    rows         its tables under the names that people read: reasons, months, kinds of holder
    words        those names, numbers and sentences in English and Chinese (`words.toml`)
    pictures     bars and lines as SVG that keeps its letters at their size on any screen
    backing      what each law asks of the reserve at the end of every month
    levels       the table of a coin by month: coins, frozen ones, reserve, what is asked
    flows        bands from what decisions were over the reasons to what they are
    pages        stand-alone pages, and the same as a part of another page: `templates/`, `reform.css`
    beside       several reforms side by side
    text         the same for a terminal

A page is made from the replay alone, so the same store, law and mode give the same page.
No name and no account number is in what it is made from.
"""
