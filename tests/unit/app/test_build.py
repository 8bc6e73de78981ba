from typing import Any, cast

import pytest

from tomostream.app.build import build_server, connections, needs_records
from tomostream.app.config import Config, parse_config
from tomostream.beamlines.clicks import ClickFile
from tomostream.core.errors import BackendUnavailableError, ConfigurationError
from tomostream.epics.subscriber import (
    FieldSubscriber,
    ImageSubscriber,
    ThetaSubscriber,
)
from tomostream.epics.tomoscan import TomoScanSource
from tomostream.epics.wiring import Wiring
from tomostream.recon.engine import Engine
from tomostream.service.settings import AngleSource
from tomostream.service.views import Views

SAID = Wiring(
    tomoscan_prefix="b:Scan:", image_channel="b:Pva1:Image", dark_channel="b:Dark",
    flat_channel="b:Flat", theta_channel="b:Theta", recon_channel="b:Recon",
)  # fmt: skip
BARE = """
use_records: false
input: {image_channel: "c:Image", has_tomoscan: false}
angles: {source: fixed_step, step_deg: 0.5, start_deg: 10}
orientation: {rotation_sign: -1, flip_x: true}
"""


def test_records_say_what_the_configuration_leaves_out():
    names = connections(Config(prefix="b:TomoStream:"), SAID)
    assert names.image == "b:Pva1:Image"
    assert names.theta == "b:Theta"
    assert names.recon == "b:Recon"
    assert names.tomoscan == "b:Scan:"


def test_the_configuration_goes_before_the_records():
    config = parse_config('input: {image_channel: "mine:Image"}\nrecon_channel: "r"')
    names = connections(config, SAID)
    assert (names.image, names.recon, names.dark) == ("mine:Image", "r", "b:Dark")


def test_without_a_tomoscan_its_records_are_not_used():
    config = parse_config(BARE.replace("false\n", "true\n", 1))
    names = connections(config, SAID)
    assert (names.dark, names.theta, names.tomoscan) == (None, None, None)


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        (Wiring(theta_channel="t", silent=("b:ImagePVAName",)), "image_channel"),
        (Wiring(image_channel="i"), "theta_channel"),
    ],
)
def test_a_name_that_is_nowhere_is_told(said, missing):
    with pytest.raises(ConfigurationError, match=missing) as error:
        connections(Config(), said)
    assert all(name in str(error.value) for name in said.silent)


def test_records_that_are_not_there_at_all_are_told_in_short():
    said = Wiring(silent=("b:ImagePVAPName", "b:ThetaPVAName"))
    with pytest.raises(ConfigurationError, match="no record below b: answers"):
        connections(Config(prefix="b:"), said)


def test_records_are_asked_only_for_what_is_missing():
    assert needs_records(Config())
    assert not needs_records(parse_config(BARE))
    named = """
    recon_channel: r
    input: {image_channel: i, dark_channel: d, flat_channel: f, theta_channel: t,
            tomoscan_prefix: "s:"}
    """
    assert not needs_records(parse_config(named))


def test_a_tomoscan_beamline_has_all_sources():
    sources = build_server(Config(), SAID)._parts.sources
    kinds = [type(source) for source in sources]
    assert kinds == [
        ThetaSubscriber, TomoScanSource, FieldSubscriber, FieldSubscriber,
        ImageSubscriber,
    ]  # fmt: skip
    assert [source.name for source in sources] == [
        "b:Theta", "b:Scan:", "b:Dark", "b:Flat", "b:Pva1:Image"
    ]  # fmt: skip


def test_a_bare_detector_has_its_images_only():
    parts = build_server(parse_config(BARE))._parts
    (images,) = parts.sources
    assert images.name == "c:Image"
    assert isinstance(images, ImageSubscriber)
    assert images._reader.orientation.flip_x
    assert parts.records is None
    settings = parts.loop._settings
    assert settings.angle_source is AngleSource.FIXED_STEP
    # Mirrored angles: the stage turns the other way round.
    assert (settings.angle_step_deg, settings.angle_start_deg) == (-0.5, -10)


def test_limits_reach_the_loop():
    config = parse_config(
        "limits: {queue_frames: 7, lag_ms: 500, batch_frames: 3}\n"
        "frame_type_guard_ms: 20\nids: {origin: 1, wrap: gige}"
    )
    parts = build_server(config, SAID)._parts
    settings = parts.loop._settings
    assert parts.arrivals._capacity_frames == 7
    assert (settings.max_lag_s, settings.batch_frames) == (0.5, 3)
    assert settings.frame_type_guard_s == pytest.approx(0.02)
    assert (settings.id_origin, settings.id_wrap) == (1, "gige")


def test_the_engines_errands_are_done_beside_the_stream():
    parts = build_server(parse_config(BARE))._parts
    done = []
    assert isinstance(parts.engine, Engine)
    errand = parts.engine._processing._rings._errand
    errand.start(cast("Any", lambda: done.append("a correction")))
    [task] = [t for t in parts.beside._tasks if t.name == "correction of rings"]
    assert task.is_wanted()
    task.work(cast("Any", None))
    assert done == ["a correction"]
    assert not task.is_wanted()


def test_angles_of_an_attribute_are_read_from_it():
    config = parse_config("angles: {source: attribute, attribute: Phi, bins: 90}")
    parts = build_server(config, SAID)._parts
    images = parts.sources[-1]
    assert isinstance(images, ImageSubscriber)
    assert images._reader.angle_attribute == "Phi"
    assert parts.loop._settings.angle_bins == 90
    assert not any(isinstance(s, ThetaSubscriber) for s in parts.sources)


def test_a_backend_that_is_not_there_is_refused():
    with pytest.raises(BackendUnavailableError, match="cuda"):
        build_server(parse_config("engine: {backend: cuda}"), SAID)


def test_fields_are_turned_as_images_are():
    config = parse_config("orientation: {axis: rows, flip_z: true}")
    parts = build_server(config, SAID)._parts
    images = parts.sources[-1]
    assert isinstance(images, ImageSubscriber)
    orientation = images._reader.orientation
    assert (orientation.axis, orientation.flip_z) == ("rows", True)
    assert parts.loop._fields._orientation == orientation


def test_a_file_of_clicks_is_watched_where_one_is_named():
    server = build_server(parse_config(BARE + "clicks: {file: ~/clicks.csv}"))
    files = [s for s in server._parts.sources if isinstance(s, ClickFile)]
    assert len(files) == 1
    assert "~" not in files[0].name
    sources = build_server(parse_config(BARE))._parts.sources
    assert not any(isinstance(s, ClickFile) for s in sources)


def test_the_preview_has_the_size_that_is_configured(monkeypatch):
    sizes = []

    class WatchedViews(Views):
        def __init__(self, *parts, preview_edge, **others):
            sizes.append(preview_edge)
            super().__init__(*parts, preview_edge=preview_edge, **others)

    monkeypatch.setattr("tomostream.app.build.Views", WatchedViews)
    for limits in ("", "limits: {preview_voxels: 200}"):
        build_server(parse_config(BARE + limits))
    assert sizes == [128, 200]
