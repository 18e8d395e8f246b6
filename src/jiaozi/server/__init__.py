"""The console and its read-only JSON: what staff, supervisor and auditor look at.

    app          every route in one list; `serve` and `Background` run them
    serving      the HTTP server, in the foreground or in a thread
    guard        around everything: which hosts may ask, what a browser may load, calm answers to faults
    problem      what is wrong with a request, as a status and a sentence
    console      what the pages share: the office, the templates, the reader's language
    language     words in English and Chinese (`words.toml`), dates and numbers by language
    assets       files for the browser, by their digest
    overview     one coin at a glance
    figures      its numbers, counted once for everybody who looks
    live         the same as a stream of events
    holders      search, one page a holder, his proof
    holder       one holder as values
    reasons      a refusal's reasons as people read them
    law          the law of a day
    places       places side by side, and who moved when
    shadow       a reform asked beside the law, and what it would decide otherwise
    lab          what a reform would have done to the payments of this office
    replays      replays in the background, one at a time, and the last results
    queue        bank money that belongs to nothing, orders, redemptions
    notes        the clerk's notes in the reader's language
    checkpoints  the signed note, the keys, the verifier
    api          the same answers as JSON

The pages only read, and work without JavaScript; with it, the figures move while
payments run. What is pasted into the lab is tried, and kept in memory among the last few. Nothing is loaded
from another host. There is no sign-in yet and the pages show names, so the server
answers on this machine's own addresses only.
"""
