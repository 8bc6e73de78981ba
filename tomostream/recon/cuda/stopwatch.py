"""How long the stages of the computing take on a device."""

from collections.abc import Iterator
from contextlib import contextmanager

from tomostream.recon.cuda.device import Device, Event


class Stopwatch:
    """Times stages of the compute stream; does nothing while it is off."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._marks: list[tuple[str, Event, Event]] | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what is started inside as this stage."""
        if self._marks is None:
            yield
            return
        start = self._device.mark()
        yield
        self._marks.append((name, start, self._device.mark()))

    def switch(self, on: bool) -> dict[str, float]:
        """Start anew or stop; give the ms per stage since the last call."""
        marks, self._marks = self._marks or [], [] if on else None
        self._device.synchronize()
        spent: dict[str, float] = {}
        for name, start, end in marks:
            spent[name] = spent.get(name, 0.0) + self._device.elapsed_ms(start, end)
        return spent
