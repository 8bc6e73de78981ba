"""The Channel Access records of a tomoScan server and of a PVA plugin."""

import ctypes
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pvaccess as pva

from tomostream.core.errors import ProcessError
from tomostream.core.frame import FrameKind

FRAME_TYPES = (FrameKind.DARK, FrameKind.FLAT, FrameKind.PROJECTION)
"""Choices of FrameType; their order differs between servers, their texts do not."""
DATA_TYPES = {
    "int8": "Int8", "uint8": "UInt8", "int16": "Int16", "uint16": "UInt16",
    "int32": "Int32", "uint32": "UInt32", "int64": "Int64", "uint64": "UInt64",
    "float32": "Float32", "float64": "Float64",
}  # fmt: skip
"""areaDetector's name of each pixel type, in its order."""
_STATES = ("ZR", "ON", "TW", "TH", "FR", "FV", "SX", "SV", "EI", "NI")

Fields = Mapping[str, str | float | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRecords:
    """What the records say of a scan; it does not change while it runs."""

    tomoscan_prefix: str
    image_prefix: str
    shape: tuple[int, int]
    """(n_z, n_x)."""
    dtype: str
    n_angles: int
    step_deg: float
    start_deg: float
    rate_hz: float


class TomoScan:
    """Records served over Channel Access by this process; there can be one only.

    Raises
    ------
    ProcessError
        EPICS does not take them.
    """

    def __init__(self, scan: ScanRecords) -> None:
        self._prefix = scan.tomoscan_prefix
        self._ioc = pva.CaIoc()
        with _captured_output() as output, tempfile.TemporaryDirectory() as folder:
            database = Path(folder) / "tomoscan.db"
            database.write_text(database_text(scan), encoding="ascii")
            try:
                self._start(database)
            except (pva.PvaException, ProcessError) as exc:
                raise ProcessError(
                    f"records below {self._prefix}: {exc}; EPICS said: {output()}"
                ) from exc

    def set_frame_type(self, kind: FrameKind) -> None:
        """Say what the camera takes from now on."""
        self._put("FrameType", kind.value)

    def set_first_id(self, first_id: int) -> None:
        """Write FirstProjid."""
        self._put("FirstProjid", first_id)

    def say(self, message: str) -> None:
        """Write StreamMessage."""
        self._put("StreamMessage", message[:39])

    def report(self, *, frames_sent: int, rate_hz: float, slipped_s: float) -> None:
        """Write what the simulator has done."""
        self._put("SimFramesSent", frames_sent)
        self._put("SimRateSent", rate_hz)
        self._put("SimSlipped", slipped_s)

    @property
    def rate_hz(self) -> float:
        """The rate that the operator wants."""
        return float(self._ioc.getField(self._prefix + "SimRate"))

    @property
    def is_running(self) -> bool:
        """Whether the operator wants frames."""
        return bool(self._ioc.getField(self._prefix + "SimRun"))

    @property
    def wants_retake(self) -> bool:
        """Whether dark and flat are to be taken again."""
        return bool(self._ioc.getField(self._prefix + "RetakeDarkFlat"))

    def end_retake(self) -> None:
        """Let the retake command fall back."""
        self._put("RetakeDarkFlat", 0)

    @property
    def n_angles(self) -> int:
        """Angles in 180 degrees that the next StreamSync takes over."""
        return int(self._ioc.getField(self._prefix + "NumAngles"))

    @property
    def wants_sync(self) -> bool:
        """Whether the new step is to be taken over."""
        return bool(self._ioc.getField(self._prefix + "StreamSync"))

    def end_sync(self) -> None:
        """Let the sync command fall back; say the step that is taken now."""
        self._put("RotationStep", 180.0 / max(self.n_angles, 1))
        self._put("StreamSync", 0)

    @property
    def binning(self) -> int:
        """The wanted binning."""
        return 1 << int(self._ioc.getField(self._prefix + "StreamBinning"))

    def _put(self, name: str, value: float | str) -> None:
        self._ioc.putField(self._prefix + name, value)

    def _start(self, database: Path) -> None:
        definitions = str(Path(pva.__file__).parent / "dbd")
        self._check(
            "definitions", self._ioc.dbLoadDatabase("base.dbd", definitions, "")
        )
        self._ioc.registerRecordDeviceDriver()
        self._check("database", self._ioc.dbLoadRecords(str(database), ""))
        self._check("start", self._ioc.iocInit())
        # EPICS locks all memory, also that to come, where it may (as root): every page
        # of it would be made real at once, 17 s for a movie of 3 GB on busy cores.
        if sys.platform.startswith("linux"):
            ctypes.CDLL(None).munlockall()

    def _check(self, step: str, status: int) -> None:
        if status != 0:
            raise ProcessError(f"{step} failed with status {status}")


def database_text(scan: ScanRecords) -> str:
    """Give the records as an EPICS database."""
    n_z, n_x = scan.shape
    tomoscan: dict[str, tuple[str, Fields]] = {
        "FrameType": ("mbbi", _choices(FRAME_TYPES, FrameKind.PROJECTION)),
        "FirstProjid": ("longin", {}),
        "ImagePVAPrefix": ("stringin", {"VAL": scan.image_prefix}),
        "NumAngles": ("longout", {"VAL": scan.n_angles, "DRVL": 2, "DRVH": 1000000}),
        "StreamSync": ("bo", {"UDF": 0, "ZNAM": "Done", "ONAM": "Sync"}),
        "StreamBinning": ("mbbo", _choices(("1x", "2x", "4x"), "1x")),
        "RotationStep": ("ai", {"VAL": scan.step_deg, "PREC": 5, "EGU": "deg"}),
        "RotationStart": ("ai", {"VAL": scan.start_deg, "PREC": 5, "EGU": "deg"}),
        "ImageSizeX": ("longin", {"VAL": n_x, "EGU": "pixel"}),
        "ImageSizeY": ("longin", {"VAL": n_z, "EGU": "pixel"}),
        "StreamMessage": ("stringin", {}),
        "RetakeDarkFlat": ("bo", {"UDF": 0, "ZNAM": "Done", "ONAM": "Retake"}),
        "SimRate": ("ao", {
            "VAL": scan.rate_hz, "PREC": 2, "EGU": "Hz", "DRVL": 0.01, "DRVH": 1e5,
            "LOPR": 0.01, "HOPR": 1e5,
        }),
        "SimRun": ("bo", {"VAL": 1, "ZNAM": "Stop", "ONAM": "Run"}),
        "SimFramesSent": ("longin", {}),
        "SimRateSent": ("ai", {"PREC": 1, "EGU": "Hz"}),
        "SimSlipped": ("ai", {"PREC": 2, "EGU": "s"}),
    }  # fmt: skip
    plugin: dict[str, tuple[str, Fields]] = {
        "DataType_RBV": (
            "mbbi", _choices(tuple(DATA_TYPES.values()), DATA_TYPES[scan.dtype])
        ),
        "ArraySizeX_RBV": ("longin", {"VAL": n_x}),
        "ArraySizeY_RBV": ("longin", {"VAL": n_z}),
        "PvName_RBV": ("stringin", {"VAL": f"{scan.image_prefix}Image"[:39]}),
    }  # fmt: skip
    return "".join(
        _record(prefix + name, kind, fields)
        for prefix, records in (
            (scan.tomoscan_prefix, tomoscan), (scan.image_prefix, plugin)
        )
        for name, (kind, fields) in records.items()
    )  # fmt: skip


def _choices(texts: tuple[str, ...], chosen: str) -> Fields:
    fields: dict[str, str | int] = {}
    for value, (state, text) in enumerate(zip(_STATES, texts, strict=False)):
        fields[f"{state}VL"], fields[f"{state}ST"] = value, text
    return fields | {"VAL": texts.index(chosen)}


def _record(name: str, kind: str, fields: Fields) -> str:
    lines = "".join(f'  field({key}, "{value}")\n' for key, value in fields.items())
    return f'record({kind}, "{name}") {{\n{lines}  field(PINI, "YES")\n}}\n'


@contextmanager
def _captured_output() -> Iterator[Callable[[], str]]:
    """Keep what EPICS says at start off the terminal; give it on request."""
    with tempfile.TemporaryFile() as file:

        def text() -> str:
            file.seek(0)
            return " ".join(file.read().decode(errors="replace").split())

        kept = [(number, os.dup(number)) for number in (1, 2)]
        try:
            for number, _ in kept:
                os.dup2(file.fileno(), number)
            yield text
        finally:
            for number, copy in kept:
                os.dup2(copy, number)
                os.close(copy)
