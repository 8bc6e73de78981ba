"""The CUDA backend: kernels compiled once per device, and their Python face."""
