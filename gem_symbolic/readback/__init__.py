"""Kernel files read back: their text is run on values that stand for real numbers, by an interpreter of a small Python.

`numbers` computes, `values` says what there is, `library` what the names of PyTorch and Triton mean, `machine` runs;
`calls` follows a call through a file; `regions`, `versions` and `constants` have what its functions are compared with.

For C++ `syntax` parses, `program` has what a file declares, `kinds` what there is, `arithmetic` evaluates and `cpp`
runs; `entries` compares what each function that C calls writes with the plans and the definition.
"""
