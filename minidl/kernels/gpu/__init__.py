"""The kernels on a GPU, in CUDA: `operations.py` has all of them."""
