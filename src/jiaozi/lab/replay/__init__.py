"""Replay: the payments of a store decided once more, under a law that nobody has enacted yet.

There are three ways to ask, and they answer different questions:

    as-it-happened   every payment on its own, with the sums and balances of the real history
    sums-follow      a payment that is refused no longer counts toward the sums of who made it
    money-follows    money that is refused stays where it was, so later payments may want for it

replay     the one function that others call, and what it returns
law        a law to try: the enacted one with reforms, as known on a day
records    rows that are kept: what was asked, and what came out otherwise
recording  the history folded once, to write down what the law was asked; it goes on as the journal grows
stand      where a recording stands, and whether it is of this journal
gathered   small frames put together, to be written down at once
kinds      what repeats among questions: facts by kind, and sets of reasons
folder     the files of a recording, and who may write them
recorded   what was written down, opened
held       which questions make, post and give back a reservation
asking     the kernel of the first two ways
questions  the first two ways: recorded questions asked again, on two threads
spread     the first two ways on several machines
money      the third way: the ledger itself, run again
following  what changed in it, frame by frame
gather     changed rows in one form, whichever way they were found
changes    decisions that came out otherwise, gathered and written as Parquet
summary    who, how many, how much, why, when
telling    the same under the names of places, words and coins
holders    what holders have at the end, and who is trapped
examples   worked examples, without names
facts      a row of facts in words again
months     what the ledger had at the end of each month
"""
