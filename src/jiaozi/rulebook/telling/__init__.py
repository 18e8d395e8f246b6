"""A book in words, English and Chinese.

explain    a refusal in words: rule, numbers compared, article, date
wording    a condition in words
sections   the law of one day in words, cut into sections
page       those sections as Markdown and HTML
"""
