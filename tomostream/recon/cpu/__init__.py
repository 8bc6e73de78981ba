"""The CPU backend: C++ kernels for several instruction sets, chosen at run time."""
