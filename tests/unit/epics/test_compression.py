from contextlib import suppress

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tomostream.core.errors import MalformedFrameError
from tomostream.epics.compression import MAX_FRAME_BYTES, decompress

# What bitshuffle's own compress_lz4 makes of 7 * arange(35) in 16 bits: a block of 32
# and three elements that are stored as they are.
BSLZ4 = (
    "0000002cff12aaaaaaaa666666661e1e1e1e54ab54ab983367cce0c3870f00fc07f00000f8ff00010007"
    "500000000000e000e700ee00"
)


def as_bytes(data) -> np.ndarray:
    return np.frombuffer(bytes(data), np.uint8)


def bslz4(image: np.ndarray) -> np.ndarray:
    """Compress as areaDetector does, block by block."""
    itemsize, flat = image.itemsize, image.ravel()
    head = flat.size // 8 * 8
    block = max(8192 // itemsize // 8 * 8, 128)
    parts = []
    for start in range(0, head, block):
        piece = flat[start : min(start + block, head)].tobytes()
        shuffled = imagecodecs.bitshuffle_encode(piece, itemsize=itemsize)
        packed = imagecodecs.lz4_encode(shuffled)
        parts += [len(packed).to_bytes(4, "big"), packed]
    return as_bytes(b"".join([*parts, flat[head:].tobytes()]))


ENCODERS = {
    "lz4": lambda image: as_bytes(imagecodecs.lz4_encode(image.tobytes())),
    "blosc": lambda image: as_bytes(
        imagecodecs.blosc_encode(image.tobytes(), typesize=image.itemsize)
    ),
    "bslz4": bslz4,
}


def smooth(shape, dtype):
    return (100 * np.sin(np.arange(np.prod(shape)) / 50).reshape(shape)).astype(dtype)


@pytest.mark.parametrize("codec", sorted(ENCODERS))
@pytest.mark.parametrize(
    "dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "u8", "f4", "f8"]
)
@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (64, 64), (101, 131)])
def test_what_was_compressed_comes_out_again(codec, dtype, shape):
    image = smooth(shape, dtype)
    decoded = decompress(ENCODERS[codec](image), codec, dtype=image.dtype, shape=shape)
    assert decoded.dtype == image.dtype
    np.testing.assert_array_equal(decoded, image)


def test_bslz4_is_read_as_bitshuffle_writes_it():
    data = as_bytes(bytes.fromhex(BSLZ4))
    decoded = decompress(data, "bslz4", dtype=np.dtype("u2"), shape=(5, 7))
    np.testing.assert_array_equal(decoded.ravel(), 7 * np.arange(35))


def test_jpeg_is_near_the_original():
    image = smooth((40, 60), "i2").astype("u1")
    data = as_bytes(imagecodecs.jpeg_encode(image, level=98))
    decoded = decompress(data, "jpeg", dtype=np.dtype("u1"), shape=(40, 60))
    assert np.abs(decoded.astype(int) - image).mean() < 2


def refusal(data, codec, dtype="u2", shape=(64, 64)):
    with pytest.raises(MalformedFrameError) as caught:
        decompress(data, codec, dtype=np.dtype(dtype), shape=shape)
    return caught.value


@pytest.mark.parametrize("codec", sorted(ENCODERS))
@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.99])
def test_truncated_bytes_are_refused(codec, part):
    data = ENCODERS[codec](smooth((64, 64), "u2"))
    assert refusal(data[: int(part * len(data))], codec).reason == "codec"


@pytest.mark.parametrize("codec", sorted(ENCODERS))
def test_another_size_than_the_header_says_is_refused(codec):
    data = ENCODERS[codec](smooth((64, 64), "u2"))
    assert refusal(data, codec, shape=(64, 65)).reason == "codec"
    assert refusal(data, codec, shape=(64, 63)).reason == "codec"


def test_an_unknown_codec_is_named():
    assert "zstd" in str(refusal(as_bytes(b"abc"), "zstd"))


def test_a_size_beyond_all_bounds_allocates_nothing():
    side = 2**20
    error = refusal(as_bytes(b"abc"), "lz4", shape=(side, side))
    assert str(MAX_FRAME_BYTES) in str(error)


@pytest.mark.parametrize("codec", [*sorted(ENCODERS), "jpeg"])
def test_more_than_two_gigabytes_in_three_bytes_are_refused(codec):
    error = refusal(as_bytes(b"abc"), codec, dtype="u1", shape=(2**16, 2**15))
    assert error.reason == "codec"


def test_a_colour_jpeg_is_refused():
    data = as_bytes(imagecodecs.jpeg_encode(np.zeros((8, 8, 3), "u1")))
    assert refusal(data, "jpeg", dtype="u1", shape=(8, 8)).reason == "codec"


def test_a_jpeg_cannot_hold_sixteen_bits():
    data = as_bytes(imagecodecs.jpeg_encode(np.zeros((8, 8), "u1")))
    assert "8-bit" in str(refusal(data, "jpeg", shape=(8, 4)))


@pytest.mark.parametrize("codec", [*sorted(ENCODERS), "jpeg"])
@given(data=st.binary(max_size=300))
def test_random_bytes_raise_nothing_else(codec, data):
    with suppress(MalformedFrameError):
        decompress(as_bytes(data), codec, dtype=np.dtype("u1"), shape=(8, 8))


@pytest.mark.parametrize("codec", ["lz4", "bslz4"])
@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_flipped_byte_raises_nothing_else(codec, place, flip):
    data = ENCODERS[codec](smooth((32, 32), "u2")).copy()
    data[place % len(data)] ^= flip
    with suppress(MalformedFrameError):
        decompress(data, codec, dtype=np.dtype("u2"), shape=(32, 32))
