"""When a channel that stays away is made anew.

EPICS clients search for a lost server ever more rarely: after an outage of 100 s a
default client takes 20 to 30 s to notice that the server is back. A new channel
searches often at first.
"""

from tomostream.core.ports import Clock


class Renewal:
    """Judge how long a channel has been away. Owned by one thread.

    Parameters
    ----------
    clock
        For its monotonic time.
    patience_s
        A channel away for so long is made anew.
    longest_s
        The wait grows by half with every renewal in vain, up to this. It stays below
        the 10 s within which streaming must resume.
    """

    def __init__(
        self, clock: Clock, *, patience_s: float = 5.0, longest_s: float = 8.0
    ) -> None:
        self._clock = clock
        self._patience_s = patience_s
        self._longest_s = longest_s
        self._wait_s = patience_s
        self._since_s = clock.monotonic_s()

    def is_due(self, is_connected: bool) -> bool:
        """Tell whether to make the channel anew now; said once per wait."""
        now_s = self._clock.monotonic_s()
        if is_connected:
            self._since_s, self._wait_s = now_s, self._patience_s
            return False
        if now_s - self._since_s < self._wait_s:
            return False
        self._since_s = now_s
        self._wait_s = min(1.5 * self._wait_s, self._longest_s)
        return True
