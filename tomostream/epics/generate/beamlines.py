"""The beamlines that files are made for, and what they call their parts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LensChange:
    """What 2-BM's lens change moves and asks."""

    mct_optics: str
    """Prefix of mctOptics."""
    tomo_0_deg: str
    """Motor on the rotation stage, along x at 0 degrees."""
    tomo_90_deg: str
    """The same at 90 degrees."""
    sample_y: str
    """Motor that lifts the sample."""
    roi_plugin: str
    """Prefix of the areaDetector ROI plugin."""

    def macros(self) -> dict[str, str]:
        """Give the macros of tomoStream_2BM.template."""
        return {
            "MCT_OPTICS": self.mct_optics,
            "TOMO_0_DEG": self.tomo_0_deg,
            "TOMO_90_DEG": self.tomo_90_deg,
            "SAMPLE_Y": self.sample_y,
            "ROI_PLUGIN": self.roi_plugin,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Beamline:
    """One instance of the service: the prefix its IOC and its daemon share."""

    name: str
    folder: str
    """Below iocBoot."""
    p: str
    r: str
    tomoscan: str
    """Prefix of the records FrameType and FirstProjid."""
    stream: str
    """Prefix of tomoScan's stream records and channels."""
    image_name_record: str = "PvaPluginPVPrefix"
    """Record below `stream` whose value is the prefix of the PVA plugin."""
    lens_change: LensChange | None = None
    screen: str = "tomoStream"
    """Main screen, below adl, without its ending."""

    @property
    def prefix(self) -> str:
        """P and R together."""
        return self.p + self.r

    def macros(self) -> dict[str, str]:
        """Give the macros of tomoStream.template."""
        return {
            "P": self.p,
            "R": self.r,
            "TOMO_SCAN": self.tomoscan,
            "IMAGE_P": self.stream + self.image_name_record,
            "DARK_PVA": f"{self.stream}StreamDarkFields",
            "FLAT_PVA": f"{self.stream}StreamFlatFields",
            "RECON_PVA": f"{self.prefix}StreamRecon",
            "THETA_PVA": f"{self.stream}StreamTheta",
        }


BEAMLINES = (
    Beamline(
        name="2-BM", folder="iocTomoStream_2BM", p="2bmb:", r="TomoStream:",
        tomoscan="2bmb:TomoScanStream:", stream="2bmb:TomoScanStream:",
        screen="tomoStream_2BM",
        lens_change=LensChange(
            mct_optics="2bm:MCTOptics:", tomo_0_deg="2bmS1:m2", tomo_90_deg="2bmS1:m1",
            sample_y="2bmb:m25", roi_plugin="2bmbSP1:ROI1:",
        ),
    ),
    Beamline(
        name="7-BM", folder="iocTomoStream_7BM", p="7bmtomo:", r="TomoStream:",
        tomoscan="7bmtomo:TomoScanStream:", stream="7bmtomo:TomoScanStream:",
        screen="tomoStream_7BM",
    ),
    Beamline(
        name="7-BM 3-D", folder="iocTomoStream3D_7BM", p="7bmtomo:", r="EncoderStream:",
        tomoscan="7bmtomo:TomoScanStream:", stream="7bmtomo:TSS:",
        screen="tomoStream_7BM",
    ),
    Beamline(
        name="32-ID", folder="iocTomoStream_32ID", p="32id:", r="TomoStream:",
        tomoscan="32id:TomoScanStream:", stream="32id:TomoScanStream:",
    ),
    Beamline(
        name="sim", folder="iocTomoStream_sim", p="sim:", r="TomoStream:",
        tomoscan="sim:TomoScanStream:", stream="sim:TomoScanStream:",
        image_name_record="ImagePVAPrefix",
    ),
)  # fmt: skip
"""Prefixes as the servers at the beamlines have them."""
