"""The running loop: frames in, slices out, operators heard. Meets others by ports."""

from tomostream.service.loop import StepReport, StreamLoop
from tomostream.service.session import SessionState
from tomostream.service.settings import AngleSource, ServiceSettings

__all__ = [
    "AngleSource",
    "ServiceSettings",
    "SessionState",
    "StepReport",
    "StreamLoop",
]
