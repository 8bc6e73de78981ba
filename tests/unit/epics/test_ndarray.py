import imagecodecs
import numpy as np
import pvaccess
import pytest

from tomostream.core.arrivals import ImageArrival, RejectedArrival
from tomostream.core.errors import MalformedFrameError
from tomostream.core.frame import PIXEL_TYPES
from tomostream.core.orientation import Orientation
from tomostream.epics.ndarray import (
    SCALAR_TYPES,
    UNION_FIELDS,
    ImageReader,
    is_unpublished,
)

IMAGE = np.arange(12, dtype="u2").reshape(3, 4)


def read(pv, **options):
    return ImageReader(**options).read(pv, 1000.0)


def image_of(pv, **options) -> ImageArrival:
    arrival = read(pv, **options)
    assert isinstance(arrival, ImageArrival), arrival
    return arrival


def refusal(pv, **options) -> RejectedArrival:
    arrival = read(pv, **options)
    assert isinstance(arrival, RejectedArrival), arrival
    assert arrival.arrived_s == 1000.0
    return arrival


@pytest.mark.parametrize("dtype", PIXEL_TYPES, ids=str)
def test_every_pixel_type_comes_through(ntndarray, dtype):
    image = IMAGE.astype(dtype)
    pixels = image_of(ntndarray(image)).pixels()
    assert pixels.dtype == dtype
    np.testing.assert_array_equal(pixels, image)


def test_the_first_dimension_is_the_width(ntndarray):
    assert image_of(ntndarray(IMAGE)).pixels().shape == (3, 4)


def test_plain_pixels_are_neither_copied_nor_writeable(ntndarray):
    arrival = image_of(ntndarray(IMAGE))
    assert np.shares_memory(arrival.pixels(), arrival.pixels())
    assert not arrival.pixels().flags.writeable
    assert arrival.n_bytes == IMAGE.nbytes


def test_the_id_and_both_times_are_read(ntndarray):
    arrival = image_of(ntndarray(IMAGE, camera_id=42))
    assert arrival.camera_id == 42
    assert arrival.arrived_s == 1000.0
    assert arrival.timestamp_s == pytest.approx(100 + 5e-9, abs=1e-6)
    by_camera = image_of(ntndarray(IMAGE), time_field="dataTimeStamp")
    assert by_camera.timestamp_s == pytest.approx(200, abs=1e-6)


def test_a_missing_time_gives_way_to_the_other(ntndarray):
    assert image_of(ntndarray(IMAGE, stamp=(0, 0))).timestamp_s == pytest.approx(200)


def test_binning_and_offset_of_the_columns_are_read(ntndarray):
    arrival = image_of(ntndarray(IMAGE, offset=10, binning=2, full=40))
    assert (arrival.binning_x, arrival.offset_x) == (2, 10)


def test_an_offset_is_counted_from_the_other_edge_of_a_flipped_image(ntndarray):
    # 40 detector pixels are 20 binned ones: 20 - 4 - 10 remain on the other side.
    flipped = Orientation(flip_x=True)
    arrival = image_of(
        ntndarray(IMAGE, offset=10, binning=2, full=40), orientation=flipped
    )
    assert (arrival.binning_x, arrival.offset_x) == (2, 6)


def test_an_impossible_region_is_not_said(ntndarray):
    arrival = image_of(ntndarray(IMAGE, binning=0))
    assert (arrival.binning_x, arrival.offset_x) == (0, 0)
    flipped = Orientation(flip_x=True)
    arrival = image_of(ntndarray(IMAGE, offset=10, full=4), orientation=flipped)
    assert (arrival.binning_x, arrival.offset_x) == (0, 0)


def test_rows_along_the_axis_are_turned_into_columns(ntndarray):
    arrival = image_of(ntndarray(IMAGE), orientation=Orientation(axis="rows"))
    np.testing.assert_array_equal(arrival.pixels(), IMAGE.T)


def test_the_angle_is_read_from_its_attribute(ntndarray):
    pv = ntndarray(
        IMAGE,
        attributes=[
            ("ColorMode", pvaccess.PvInt(0)), ("Angle", pvaccess.PvDouble(12.5))
        ],
    )  # fmt: skip
    assert image_of(pv, angle_attribute="Angle").angle_deg == 12.5
    assert image_of(pv).angle_deg is None
    turned = Orientation(rotation_sign=-1)
    angle = image_of(pv, angle_attribute="Angle", orientation=turned).angle_deg
    assert angle == -12.5


@pytest.mark.parametrize(
    "value",
    [pvaccess.PvString("not a number"), pvaccess.PvDouble(float("nan")), None],
    ids=["text", "nan", "missing"],
)
def test_an_unusable_angle_is_refused(ntndarray, value):
    attributes = [("Angle", value)] if value is not None else []
    arrival = refusal(ntndarray(IMAGE, attributes=attributes), angle_attribute="Angle")
    assert arrival.reason in {"no_angle", "malformed"}


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ((0, 3), "empty"),
        ((4, -3), "empty"),
        ((), "malformed"),
        ((12,), "malformed"),
        ((3, 2, 2), "malformed"),
        ((4, 4), "truncated"),
        ((4, 2), "truncated"),
        ((2**31 - 1, 2**31 - 1), "truncated"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(ntndarray, sizes, reason):
    pv = ntndarray(IMAGE)
    pv["dimension"] = [pvaccess.PvDimension(s, 0, s, 1, False) for s in sizes]
    assert refusal(pv).reason == reason
    assert refusal(pv).camera_id == pv["uniqueId"]


def test_an_empty_union_is_refused_as_empty(ntndarray):
    pv = ntndarray(np.zeros((0, 0), "u2"), sizes=(4, 3))
    assert refusal(pv).reason == "empty"


def test_no_pixels_in_a_chosen_type_are_refused_as_empty(ntndarray):
    pv = ntndarray(IMAGE)
    pv["value"] = {"ushortValue": np.zeros(0, "u2")}
    assert refusal(pv).reason == "empty"


def test_booleans_are_no_pixels(ntndarray):
    pv = ntndarray(IMAGE)
    pv["value"] = {"booleanValue": [True] * 12}
    assert refusal(pv).reason == "malformed"


@pytest.mark.parametrize(
    "pv",
    [
        pvaccess.PvObject({"value": [pvaccess.FLOAT]}, {"value": [1.0, 2.0]}),
        pvaccess.PvObject({"value": pvaccess.INT}, {"value": 3}),
        pvaccess.PvObject({"uniqueId": pvaccess.STRING}, {"uniqueId": "x"}),
        pvaccess.PvObject({"uniqueId": pvaccess.INT, "value": [pvaccess.FLOAT]}),
    ],
)
def test_something_else_than_an_ntndarray_is_refused(pv):
    assert refusal(pv).reason == "malformed"
    assert not is_unpublished(pv)


def test_a_fresh_server_has_published_nothing(ntndarray):
    assert is_unpublished(pvaccess.NtNdArray())
    assert not is_unpublished(ntndarray(IMAGE))
    assert not is_unpublished(ntndarray(np.zeros((0, 0), "u2"), camera_id=3))


def compressed(ntndarray, coded_as=6, codec="lz4"):
    data = np.frombuffer(imagecodecs.lz4_encode(IMAGE.tobytes()), "u1")
    return ntndarray(data, sizes=(4, 3), codec=codec, coded_as=coded_as)


def test_compressed_pixels_have_the_type_in_the_codec(ntndarray):
    arrival = image_of(compressed(ntndarray))
    np.testing.assert_array_equal(arrival.pixels(), IMAGE)
    assert arrival.pixels().dtype == np.uint16


def test_compressed_pixels_of_an_unknown_type_are_refused(ntndarray):
    assert refusal(compressed(ntndarray, coded_as=11)).reason == "codec"


def test_missing_codec_parameters_are_refused(ntndarray):
    pv = compressed(ntndarray)
    fresh = pvaccess.NtNdArray()
    for field in ("uniqueId", "dimension", "value"):
        fresh[field] = pv["value"][0] if field == "value" else pv[field]
    fresh["codec.name"] = "lz4"
    assert refusal(fresh).reason == "codec"


def test_an_unknown_codec_is_found_when_the_pixels_are_made(ntndarray):
    arrival = image_of(compressed(ntndarray, codec="zstd"))
    with pytest.raises(MalformedFrameError) as caught:
        arrival.pixels()
    assert caught.value.reason == "codec"


def test_type_numbers_are_those_of_the_library():
    for name, number in (
        ("BYTE", 1), ("UBYTE", 5), ("SHORT", 2), ("USHORT", 6), ("INT", 3), ("UINT", 7),
        ("LONG", 4), ("ULONG", 8), ("FLOAT", 9), ("DOUBLE", 10),
    ):  # fmt: skip
        assert int(getattr(pvaccess, name)) == number
        dtype = SCALAR_TYPES[number]
        assert UNION_FIELDS[dtype] == f"{name.lower()}Value"
