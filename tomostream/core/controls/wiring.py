"""Records that say what is connected to what."""

from tomostream.core.controls.declaration import Control


def channel_name(name: str, text: str, default: str) -> Control:
    """Declare a record that holds the name of another record, or of a channel."""
    return Control(
        name=name, kind="long_text", help=text, default=default, is_saved=True
    )


WIRING = (
    channel_name("TomoScanPVPrefix", "Prefix of the tomoScan instance; FrameType and FirstProjid are read below it.", "$(TOMO_SCAN)"),
    channel_name("ImagePVAPName", "Name of a PV whose value is the areaDetector PVA plugin's prefix; +Image is the channel.", "$(IMAGE_P)"),
    channel_name("DarkPVAName", "PVA channel of the averaged dark field.", "$(DARK_PVA)"),
    channel_name("FlatPVAName", "PVA channel of the averaged flat field.", "$(FLAT_PVA)"),
    channel_name("ThetaPVAName", "PVA channel of the angle table, degrees.", "$(THETA_PVA)"),
    channel_name("ReconPVAName", "PVA channel on which the packed slices are served.", "$(RECON_PVA)"),
)  # fmt: skip
