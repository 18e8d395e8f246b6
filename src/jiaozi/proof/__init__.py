"""Proof: anyone can check that his balance is in the published total.

    tree            balances under one root; a path for one account
    places          where in the tree the leaf of an account stands
    plain           the tree made with `hashlib`, to be read
    checkpoint      what is published on an evening, as a text that several sign
    keys            signers: a private key in a file, the public one as a line of text
    files           the proof file that a holder gets
    wholesale       accounts that would stand out of their bucket, by the supervisor's rule
    rows            all balances read in order, in memory that does not grow
    silent          bucket files: a wallet makes the proof itself, and nobody learns of it
    whole           files put in their place whole or not at all
    strict          JSON files of one spelling
    auditing/       forks and gaps, buckets opened by lot, the whole made again
    hashing/        the tree made fast, by compiled code
    verify_jiaozi   the verifier: one file that runs without the rest of Jiaozi
    verify.html     the same as a page for a browser; tests hold it to the same answers

The room imports nothing of ours but money, errors and compiled. What is
read or checked here is asked of `verify_jiaozi`; the page says the same in a browser.
The format is in `docs/reference/proof-format.md`, what a holder does with it in
`docs/guides/check-your-balance.md`.
"""
