"""Log lines that say each kind of thing once a second at most."""

import logging

from tomostream.core.ports import Clock


class Notices:
    """Warn through a logger, at most once a second for each kind of notice."""

    _EVERY_S = 1.0

    def __init__(self, logger: logging.Logger, clock: Clock) -> None:
        self._logger = logger
        self._clock = clock
        self._last_s: dict[str, float] = {}
        self._withheld: dict[str, int] = {}

    def warn(self, kind: str, message: str) -> None:
        """Log a warning, or count it where one of its kind was logged just now.

        Parameters
        ----------
        kind
            One of few; what repeats are judged by.
        """
        now_s = self._clock.monotonic_s()
        if now_s - self._last_s.get(kind, -1e18) < self._EVERY_S:
            self._withheld[kind] = self._withheld.get(kind, 0) + 1
            return
        self._last_s[kind] = now_s
        withheld = self._withheld.pop(kind, 0)
        self._logger.warning("%s: %s (and %d more)", kind, message, withheld)
