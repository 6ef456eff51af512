"""Kernel files read back: their text is run on values that stand for real numbers, by an interpreter of a small Python.

`numbers` computes, `values` says what there is, `library` what the names of PyTorch and Triton mean, by `elements`,
`tensors` and `kernels`; `carried` and `layouts` what the functions promise that files carry; `machine` runs. `settings`
says where calls take place, `calls` makes them in every way, and `traces` follows each back through autograd;
`regions`, `versions` and `constants` have what the functions of a file are compared with, and `pieces` what those of
a definition without parameters are.

For C++ `syntax` parses, `program` has what a file declares, `kinds` what there is, `arithmetic` evaluates and `cpp`
runs; `entries` compares what each function that C calls writes with the plans and the definition.
"""
