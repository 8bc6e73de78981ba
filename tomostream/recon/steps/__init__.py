"""The processing of projections before the filter: one function, one paper each.

They run in the precision of their arguments. The ring correction is used as it stands;
the others say what the backends' kernels must give.
"""
