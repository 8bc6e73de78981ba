"""What of a beamline can be reached from here."""

from tomostream.app.doctor import Finding, State
from tomostream.core.arrivals import (
    Arrival,
    ConnectionArrival,
    ImageArrival,
    RejectedArrival,
)
from tomostream.core.errors import MalformedFrameError
from tomostream.epics.subscriber import ImageSubscriber
from tomostream.epics.wiring import resolve_wiring
from tomostream.runtime import ArrivalQueue, SystemClock

_ADDRESSES = (
    "is its server running? else set EPICS_PVA_ADDR_LIST to that computer's address, "
    "and see that its firewall lets UDP 5076 and TCP 5075 through"
)


def examine_image_channel(channel: str, *, timeout_s: float) -> list[Finding]:
    """Try to get an image from a pvAccess channel."""
    clock = SystemClock()
    queue = ArrivalQueue(capacity_frames=2, capacity_bytes=1 << 30)
    source = ImageSubscriber(channel, clock, queue_size=2)
    deadline_s = clock.monotonic_s() + timeout_s
    is_connected = False
    source.start(queue)
    try:
        while (left_s := deadline_s - clock.monotonic_s()) > 0:
            queue.wait(left_s)
            for arrival in queue.drain(100):
                is_connected |= isinstance(arrival, ConnectionArrival)
                if (finding := _what_came(channel, arrival)) is not None:
                    return [finding]
    finally:
        source.stop()
    if is_connected:
        return [
            Finding(
                subject="images", state=State.NOTE,
                text=f"{channel}: connected, no image within {timeout_s:g} s",
                fix="start the acquisition; enable the PVA plugin's callbacks",
            )
        ]  # fmt: skip
    return [
        Finding(
            subject="images", state=State.BAD, fix=_ADDRESSES,
            text=f"{channel}: no answer within {timeout_s:g} s",
        )
    ]  # fmt: skip


def _what_came(channel: str, arrival: Arrival) -> Finding | None:
    if isinstance(arrival, RejectedArrival):
        return Finding(
            subject="images", state=State.BAD, text=f"{channel}: {arrival.message}",
            fix="the channel of an areaDetector PVA plugin ends with Image",
        )  # fmt: skip
    if not isinstance(arrival, ImageArrival):
        return None
    try:
        pixels = arrival.pixels()
    except MalformedFrameError as exc:
        return Finding(
            subject="images", state=State.BAD, text=f"{channel}: {exc}",
            fix="choose another codec, or none, in the areaDetector IOC",
        )  # fmt: skip
    rows, columns = pixels.shape
    late_s = arrival.arrived_s - arrival.timestamp_s
    clock = ""
    if arrival.timestamp_s and abs(late_s) > 1.0:
        clock = f"; its clock is {late_s:.1f} s behind ours (or ours ahead): use NTP"
    return Finding(
        subject="images", state=State.NOTE if clock else State.GOOD,
        text=f"{channel}: {columns} x {rows} {pixels.dtype}, id {arrival.camera_id}"
        f"{clock}",
    )  # fmt: skip


def examine_records(prefix: str, *, timeout_s: float) -> list[Finding]:
    """Try to reach the records below a prefix, and the images that they name."""
    clock = SystemClock()
    said = resolve_wiring(prefix, clock, timeout_s=timeout_s)
    names = {
        "tomoScan": said.tomoscan_prefix, "dark": said.dark_channel,
        "flat": said.flat_channel, "angles": said.theta_channel,
        "slices": said.recon_channel,
    }  # fmt: skip
    if not any(names.values()) and said.image_channel is None:
        return [
            Finding(
                subject="records", state=State.BAD,
                text=f"no record below {prefix} answers within {timeout_s:g} s",
                fix=f"start them (tomostream ioc --prefix {prefix}), or set "
                "EPICS_CA_ADDR_LIST to the IOC's address",
            )
        ]  # fmt: skip
    text = ", ".join(f"{role} {name}" for role, name in names.items() if name)
    findings = [
        Finding(subject="records", state=State.GOOD, text=f"{prefix} names {text}")
    ]
    findings += [
        Finding(
            subject="records", state=State.NOTE,
            text=f"{record}: does not answer, or is empty",
            fix="write the name into it, or into the configuration file",
        )
        for record in said.silent
    ]  # fmt: skip
    if said.image_channel is not None:
        findings += examine_image_channel(said.image_channel, timeout_s=timeout_s)
    return findings
