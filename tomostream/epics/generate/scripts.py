"""Start scripts of one beamline: records, daemon, screens."""

from tomostream.epics.generate.beamlines import Beamline

_HEAD = """\
#!/bin/sh
# Made by `tomostream generate`; do not edit.
cd "$(dirname "$0")" || exit 1
"""


def start_records(beamline: Beamline) -> str:
    """Serve the records by `tomostream ioc`, where there is no synApps IOC."""
    m = beamline.macros()
    lens = beamline.lens_change
    more = f"  --lens-change {' '.join(lens.macros().values())} \\\n" if lens else ""
    return (
        f"{_HEAD}"
        f"exec tomostream ioc --prefix {beamline.prefix} \\\n"
        f"  --tomoscan {m['TOMO_SCAN']} --image {m['IMAGE_P']} \\\n"
        f"  --dark {m['DARK_PVA']} --flat {m['FLAT_PVA']} \\\n"
        f"  --theta {m['THETA_PVA']} --recon {m['RECON_PVA']} \\\n"
        f"{more}"
        f'  --autosave "$HOME/{beamline.folder}_settings.yaml" "$@"\n'
    )


def start_daemon(beamline: Beamline) -> str:
    """Run the service against the records of this beamline."""
    named = f"--prefix {beamline.prefix}"
    if beamline.lens_change:
        # The request file of 2-BM's records says that there is a lens to follow.
        named = (
            "--settings ../db/tomoStream_settings.req \\\n"
            "  --settings ../db/tomoStream_2BM_settings.req \\\n"
            f"  --macros P={beamline.p},R={beamline.r}"
        )
    return f'{_HEAD}exec tomostream serve {named} "$@"\n'


def start_medm(beamline: Beamline) -> str:
    """Open the main screen."""
    macros = f"P={beamline.p},R={beamline.r},TOMO_SCAN={beamline.tomoscan}"
    return (
        f"{_HEAD}"
        f'EPICS_DISPLAY_PATH="../../adl:$EPICS_DISPLAY_PATH" exec medm -x \\\n'
        f'  -macro "{macros}" ../../adl/{beamline.screen}.adl "$@"\n'
    )
