"""The publication: a folder of plain files that any web server or object store carries.

    days          the figures of one checkpoint, and all of them as `disclosure.json`
    audits        statements of auditors, read before they are copied
    pages         those figures as pages, in English and Chinese: `templates/`, `words.toml`, `site.css`
    folder        how the files get into their place: all of them at once, over nothing of somebody else's

What is published is made from signed checkpoints alone, so there is no balance and
no name to leave out. Nothing asks the clock: the same checkpoints give the same bytes.
"""
