"""Trying things out before anyone depends on them.

population/  holders and their payments from a seed: a day in memory, or years as a store
replay/      payments decided once more, under a law that nobody has enacted yet
solve        the value of a number of the law that meets a condition, by bisection over replays
stress/      a store under stress: a run, a bank failing, a holiday week, a licence suspended, hour by hour
diffusion    who moved after whom before, from the dated facts of the law; with `diffusion_show`, its text,
             data and page, and `diffusion_picture`, its picture
shadow       the reform that an office tries beside its law: put there, looked after, taken away
"""
