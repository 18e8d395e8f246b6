"""Proof: anyone can check that his balance is in the published total.

    tree            balances under one root; a path for one account
    checkpoint      what is published on an evening, as a text that several sign
    keys            signers: a private key in a file, the public one as a line of text
    files           the proof file that a holder gets
    verify_jiaozi   the verifier: one file that runs without the rest of Jiaozi

The room imports nothing of ours but money and errors. There is one verifier, not
two: what the others here have to read or check, they ask `verify_jiaozi` for.
The format is in `docs/reference/proof-format.md`, what a holder does with it in
`docs/guides/check-your-balance.md`.
"""
