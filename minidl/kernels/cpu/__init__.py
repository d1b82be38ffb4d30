"""The kernels on a CPU, compiled by Numba: `operations.py` has all of them."""
