"""The pilot: the whole of Jiaozi in one walk, on real kinds of input, in one folder.

cast     who plays: invented firms, their coins, the days on which things happen
tell     how each step is told: a short paragraph, a progress bar, figures for programs
walk     the nine steps, in order
law      steps 1 to 3: what the law says today, and what it would say under the draft
money    steps 4, 6 and 7: bank money in, a freeze, a redemption
crowd    step 5: ten thousand holders and a hundred thousand payments
evening  steps 8 and 9: the proof, and stopping and starting again
trickle  payments that go on while the console is looked at
"""
