"""The state of the session, and why it is in it."""

import logging
from enum import StrEnum

logger = logging.getLogger(__name__)


class SessionState(StrEnum):
    """The words of the record SessionState."""

    IDLE = "idle"
    WAITING = "waiting"
    FILLING = "filling"
    STREAMING = "streaming"
    STOPPING = "stopping"
    FAILED = "failed"


RUNNING = frozenset(
    {
        SessionState.WAITING,
        SessionState.FILLING,
        SessionState.STREAMING,
    }
)


class Session:
    """Hold state and reason; changes are logged. Owned by the loop's thread."""

    def __init__(self) -> None:
        self._state = SessionState.IDLE
        self.reason = "not started"
        """One sentence for the operator."""

    @property
    def state(self) -> SessionState:
        """What it is doing."""
        return self._state

    @property
    def is_running(self) -> bool:
        """Whether frames are used."""
        return self._state in RUNNING

    def enter(self, state: SessionState, reason: str) -> None:
        """Go into a state, or tell another reason for being in it."""
        if state is not self._state:
            logger.info("session: %s, %s", state, reason)
        self._state = state
        self.reason = reason

    @property
    def text(self) -> str:
        """State and reason as a status line."""
        return f"{self._state}: {self.reason}" if self.reason else str(self._state)
