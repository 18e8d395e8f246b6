"""A book in words, English and Chinese.

explain    a refusal in words: rule, numbers compared, article, date
wording    a condition in words
sections   the law of one day in words, cut into sections
page       those sections as Markdown and HTML
briefs     a provision in the few words of a table's cell
compare    places side by side on one day
compare_show  the comparison for a terminal, as CSV, JSON and a page
diff       what changes between two books, or two days
moves      who moved when: the steps of places
picture    those steps as lanes through time, in SVG
document   a stand-alone HTML document
"""
