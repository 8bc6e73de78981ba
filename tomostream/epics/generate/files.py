"""All generated files, by their place below the project's root."""

from collections.abc import Mapping

from tomostream.epics.generate.beamlines import BEAMLINES
from tomostream.epics.generate.database import (
    base_template,
    lens_change_template,
    substitutions,
)
from tomostream.epics.generate.requests import (
    auto_settings,
    lens_change_settings,
    settings,
)
from tomostream.epics.generate.screens import SCREENS, adl_text, bob_text, laid_out
from tomostream.epics.generate.scripts import start_daemon, start_medm, start_records
from tomostream.epics.records_page import records_page

DATABASE = "iocBoot/db"


def generated_files() -> Mapping[str, str]:
    """Give the text of each file by its path; paths of scripts begin with start_."""
    files = {
        "docs/reference/records.md": records_page(),
        f"{DATABASE}/tomoStream.template": base_template(),
        f"{DATABASE}/tomoStream_settings.req": settings(),
        f"{DATABASE}/tomoStream_2BM.template": lens_change_template(),
        f"{DATABASE}/tomoStream_2BM_settings.req": lens_change_settings(),
    }
    for beamline in BEAMLINES:
        folder = f"iocBoot/{beamline.folder}"
        files |= {
            f"{folder}/tomoStream.substitutions": substitutions(beamline),
            f"{folder}/auto_settings.req": auto_settings(beamline),
            f"{folder}/start_records": start_records(beamline),
            f"{folder}/start_tomostream": start_daemon(beamline),
            f"{folder}/start_medm": start_medm(beamline),
        }
    for content in SCREENS:
        screen = laid_out(content)
        files[f"adl/{screen.name}.adl"] = adl_text(screen)
        files[f"adl/{screen.name}.bob"] = bob_text(screen)
    return files
