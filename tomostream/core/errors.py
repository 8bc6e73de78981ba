"""Every error that tomostream raises on purpose.

::

    TomostreamError
    +-- ConfigurationError (ValueError)     refuse to start; exit status 2
    +-- SourceError                         what came from outside cannot be used
    |   +-- MalformedFrameError (ValueError)
    |   +-- MalformedFieldError (ValueError)
    |   +-- MalformedTableError (ValueError)
    |   +-- NoAngleError (LookupError)
    +-- ReconstructionError (RuntimeError)  the engine cannot do what was asked
    |   +-- BackendUnavailableError
    |   +-- NotEnoughMemoryError (MemoryError)
    |   +-- StepFailedError
    +-- ConnectionLostError (ConnectionError)
    +-- ProcessError (RuntimeError)         a child process ended or did not start
"""


class TomostreamError(Exception):
    """Base of all errors raised on purpose."""


class ConfigurationError(TomostreamError, ValueError):
    """A setting is unknown, impossible, or contradicts another one."""


class SourceError(TomostreamError):
    """Something that came from outside cannot be used."""


class MalformedFrameError(SourceError, ValueError):
    """A frame's bytes, shape or type do not fit together."""

    def __init__(self, message: str, *, reason: str = "malformed") -> None:
        super().__init__(message)
        self.reason = reason
        """Short lower-case word for the counter ``rejected_<reason>``."""


class MalformedFieldError(SourceError, ValueError):
    """A dark or flat field does not have the frames' shape."""


class MalformedTableError(SourceError, ValueError):
    """An angle table is empty, too short or not finite."""


class NoAngleError(SourceError, LookupError):
    """A frame id lies outside the angle table."""


class ReconstructionError(TomostreamError, RuntimeError):
    """The engine cannot do what was asked."""


class BackendUnavailableError(ReconstructionError):
    """The wanted backend or instruction set does not work on this machine."""


class NotEnoughMemoryError(ReconstructionError, MemoryError):
    """Says what for, how much was wanted and how much there was."""


class StepFailedError(ReconstructionError):
    """A processing step cannot be done."""


class ConnectionLostError(TomostreamError, ConnectionError):
    """A PV or channel did not answer in time."""


class ProcessError(TomostreamError, RuntimeError):
    """A child process did not start, or ended on its own."""
