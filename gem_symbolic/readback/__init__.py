"""Kernel files read back: their text is run on values that stand for real numbers, by an interpreter of a small Python.

`numbers` computes, `values` says what there is, `library` what the names of PyTorch and Triton mean, `machine` runs.
"""
