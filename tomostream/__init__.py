"""Live ortho-slices of a spinning sample.

Importing this package is instant: it loads none of the heavy libraries.
"""

from tomostream._version import __version__

__all__ = ["__version__"]
