"""Names of records and channels, made from one prefix."""

from dataclasses import dataclass

from tomostream.core.views import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of a beamline whose parts all begin alike, as the demo's do."""

    records: str
    """Prefix of our own records, P and R together, e.g. sim:TomoStream:."""
    tomoscan: str
    """Prefix of the tomoScan records."""
    image_plugin: str
    """Prefix of the areaDetector PVA plugin; +Image is the channel."""

    @classmethod
    def below(cls, records: str) -> "Names":
        """Make the others from the part up to the first colon."""
        head, colon, _ = records.partition(":")
        family = f"{head}{colon}" if colon else records
        return cls(
            records=records,
            tomoscan=f"{family}TomoScanStream:",
            image_plugin=f"{family}Pva1:",
        )

    @property
    def image(self) -> str:
        """Channel of the projections."""
        return f"{self.image_plugin}Image"

    @property
    def image_name_record(self) -> str:
        """Record whose value is the image plugin's prefix."""
        return f"{self.tomoscan}ImagePVAPrefix"

    @property
    def dark(self) -> str:
        """Channel of the averaged dark field."""
        return f"{self.tomoscan}StreamDarkFields"

    @property
    def flat(self) -> str:
        """Channel of the averaged flat field."""
        return f"{self.tomoscan}StreamFlatFields"

    @property
    def theta(self) -> str:
        """Channel of the angle table."""
        return f"{self.tomoscan}StreamTheta"

    @property
    def recon(self) -> str:
        """Channel of the packed slices; X, Y, Z are appended for single ones."""
        return f"{self.records}StreamRecon"

    def channels(self) -> dict[str, str]:
        """Give each pvAccess channel by its role."""
        return {
            "recon": self.recon,
            "recon_x": f"{self.recon}X",
            "recon_y": f"{self.recon}Y",
            "recon_z": f"{self.recon}Z",
            **{f"recon_{view.lower()}": f"{self.recon}{view}" for view in View},
            "image": self.image,
            "dark": self.dark,
            "flat": self.flat,
            "theta": self.theta,
        }
