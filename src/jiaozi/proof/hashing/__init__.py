"""The fast executor: the bytes of `plain`, hashed many accounts at a time by compiled code.

    executor   what `tree` calls: buckets on several threads, one bucket with its levels, the levels above
    dealing    balances in the order of accounts, dealt over rows of buckets
    pages      pages of a file of balances asked for in time and given back
    bucket     leaves and levels of a bucket
    above      nodes with sums, above the buckets
    lanes      SHA-256 written out, over lanes

What it compiles is kept (`jiaozi/compiled.py`); the first time takes about half a minute.
"""
