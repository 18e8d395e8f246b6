"""Auditing: what those look at who do not believe the issuer.

chain      checkpoints in a row: gaps, forks, copies of one note made one
keyring    keys that are known, and whether a signature by one of them fits
origins    one key that signs for two origins of one coin
unread     what notes say of themselves that cannot be read
sampling   which buckets an auditor opens, drawn by a public random value
openings   what an auditor gets of a bucket, and what opening them shows
statement  what he publishes about it, signed
recompute  the whole tree made again by the supervisor, who then signs
held       a note while a signature is added to it
"""
