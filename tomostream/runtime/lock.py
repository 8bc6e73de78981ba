"""One thread at a time, where a foreign library leaves no other way."""

from threading import Lock

__all__ = ["Lock"]
