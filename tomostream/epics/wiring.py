"""Which channels belong together, as the records say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from epics import ca, dbr

from tomostream.core.controls import WIRING
from tomostream.core.ports import Clock
from tomostream.epics.ca_channels import clear_channels, make_channels
from tomostream.runtime import StopSignal

_LOOK_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Names of what the service connects to; None: not said by any record."""

    tomoscan_prefix: str | None = None
    image_channel: str | None = None
    dark_channel: str | None = None
    flat_channel: str | None = None
    theta_channel: str | None = None
    recon_channel: str | None = None
    silent: tuple[str, ...] = ()
    """Records that did not answer, or hold no text."""


def resolve_wiring(prefix: str, clock: Clock, *, timeout_s: float = 5.0) -> Wiring:
    """Ask the records for the wiring.

    To be called before anything else of this package is started in this thread's
    process, or after: it makes channels of its own and takes them away again.

    Parameters
    ----------
    prefix
        P and R of our own records.
    clock
        For the time-out.
    timeout_s
        For all records together; a second such time for ImagePVAPName's.
    """
    said = _texts([prefix + c.name for c in WIRING], clock, timeout_s)
    texts = {c.name: said.get(prefix + c.name, "") for c in WIRING}
    silent = [prefix + name for name, text in texts.items() if not text]
    image_record = texts["ImagePVAPName"]
    image_prefix = ""
    if image_record:
        image_prefix = _texts([image_record], clock, timeout_s).get(image_record, "")
        if not image_prefix:
            silent.append(image_record)
    return Wiring(
        tomoscan_prefix=texts["TomoScanPVPrefix"] or None,
        image_channel=f"{image_prefix}Image" if image_prefix else None,
        dark_channel=texts["DarkPVAName"] or None,
        flat_channel=texts["FlatPVAName"] or None,
        theta_channel=texts["ThetaPVAName"] or None,
        recon_channel=texts["ReconPVAName"] or None,
        silent=tuple(silent),
    )


def _texts(names: list[str], clock: Clock, timeout_s: float) -> Mapping[str, str]:
    """Give the text of each record that answers in time.

    Stringouts, lso records and waveforms of characters are all met at beamlines; the
    first two give more than 39 characters only by ``.VAL$``, which the last lacks.
    """
    ca.use_initial_context()
    texts: dict[str, str] = {}
    asked = {ask: name for name in names for ask in (f"{name}.VAL$", name)}
    channels = make_channels(asked)
    subscriptions: list[Any] = []

    def hear(ask: str) -> Any:
        def on_event(*, value: Any, **_: Any) -> None:
            texts[ask] = _as_text(value)

        return on_event

    for ask, chid in channels.items():
        subscriptions.append(
            ca.create_subscription(chid, ftype=dbr.TIME_CHAR, callback=hear(ask))
        )
    deadline = clock.monotonic_s() + timeout_s
    stop = StopSignal()
    while any(f"{name}.VAL$" not in texts for name in names):
        if clock.monotonic_s() > deadline or stop.wait(_LOOK_S):
            break
    clear_channels(channels.values())
    return {
        name: texts.get(f"{name}.VAL$", texts.get(name, "")).strip() for name in names
    }


def _as_text(value: Any) -> str:
    raw = bytes(bytearray(int(v) & 0xFF for v in value))
    return raw.split(b"\0", 1)[0].decode("utf-8", errors="replace")
