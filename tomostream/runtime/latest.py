"""The newest value of something, for other threads to read."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Hold the newest value; readers compare versions, nobody is called back.

    One thread sets, any thread gets. Values should be frozen.
    """

    def __init__(self, value: T) -> None:
        self._changed = threading.Condition()
        self._value = value
        self._version = 0

    def set(self, value: T) -> int:
        """Put a new value in the old one's place and give its version."""
        with self._changed:
            self._value = value
            self._version += 1
            self._changed.notify_all()
            return self._version

    def get(self) -> T:
        """Give the newest value."""
        return self._value

    @property
    def version(self) -> int:
        """How many times a value was set."""
        return self._version

    def snapshot(self) -> tuple[T, int]:
        """Give the newest value and its version, which belong together."""
        with self._changed:
            return self._value, self._version

    def wait_newer(self, version: int, timeout_s: float) -> bool:
        """Wait until there is a newer value than `version`; tell whether there is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._version > version, timeout_s)
