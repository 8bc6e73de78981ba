"""areaDetector's codecs: bytes as they stood on the wire -> pixels."""

from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from tomostream.core.errors import MalformedFrameError
from tomostream.core.health import RejectReason

U8 = NDArray[np.uint8]
Decoder = Callable[[Any, int, np.dtype[np.generic]], U8]
"""(data, bytes that come out, type) -> bytes; arrays are buffers, as stubs ignore."""

MAX_FRAME_BYTES = 2**32
"""No header may make us allocate more than this for one frame."""

# bitshuffle's own rule: blocks of 8192 bytes, in multiples of 8 elements.
_BLOCK_BYTES = 8192
_MULTIPLE = 8


def decompress(
    data: U8, codec: str, *, dtype: np.dtype[np.generic], shape: tuple[int, int]
) -> NDArray[np.generic]:
    """Decode one compressed image.

    Parameters
    ----------
    data
        (n_bytes,), as stored. Not modified.
    codec
        ``lz4``, ``bslz4``, ``blosc`` or ``jpeg``, areaDetector's names.
    dtype, shape
        What the header says that comes out; (rows, columns).

    Returns
    -------
    ndarray
        (rows, columns), counts.

    Raises
    ------
    MalformedFrameError
        The codec is unknown, or the bytes do not decode to that type and shape.
    """
    decode = _CODECS.get(codec)
    if decode is None:
        known = ", ".join(sorted(_CODECS))
        raise _refused(f"expected codec {known}; got {codec!r}")
    n_bytes = shape[0] * shape[1] * dtype.itemsize
    if n_bytes > MAX_FRAME_BYTES:
        raise _refused(f"expected at most {MAX_FRAME_BYTES} bytes, got {n_bytes}")
    try:
        decoded = decode(data, n_bytes, dtype)
    except MalformedFrameError:
        raise
    except (RuntimeError, ValueError, TypeError, ArithmeticError, MemoryError) as exc:
        # imagecodecs' errors are RuntimeErrors, one class a codec; LZ4 counts bytes in
        # 31 bits.
        raise _refused(f"{codec}: the bytes do not decode: {exc}") from exc
    if decoded.nbytes != n_bytes:
        raise _refused(f"{codec}: expected {n_bytes} bytes, got {decoded.nbytes}")
    return decoded.reshape(-1).view(dtype).reshape(shape)


def _lz4(data: Any, n_bytes: int, dtype: np.dtype[np.generic]) -> U8:
    del dtype
    return np.frombuffer(imagecodecs.lz4_decode(data, out=n_bytes), np.uint8)


def _blosc(data: Any, n_bytes: int, dtype: np.dtype[np.generic]) -> U8:
    del dtype
    # Blosc believes its own header, and reads past the end of shorter data.
    header = np.frombuffer(bytes(data[4:16]).ljust(12, b"\0"), "<u4")
    if int(header[0]) != n_bytes or int(header[2]) != len(data):
        raise _refused(
            f"blosc: expected {len(data)} bytes of {n_bytes}, "
            f"its header says {header[2]} of {header[0]}"
        )
    return np.frombuffer(imagecodecs.blosc_decode(data, out=n_bytes), np.uint8)


def _jpeg(data: Any, n_bytes: int, dtype: np.dtype[np.generic]) -> U8:
    if dtype.itemsize != 1:
        raise _refused(f"jpeg: expected 8-bit pixels, got {dtype}")
    image = imagecodecs.jpeg_decode(data)
    if image.ndim != 2 or image.dtype != np.uint8 or image.nbytes != n_bytes:
        raise _refused(f"jpeg: expected {n_bytes} grey pixels, got {image.shape}")
    return image


def _bslz4(data: Any, n_bytes: int, dtype: np.dtype[np.generic]) -> U8:
    """Undo `bshuf_compress_lz4`, which imagecodecs has in two halves.

    Every block is its compressed length (big-endian, 4 bytes) and an LZ4 block; what
    is left after the last multiple of eight elements is stored as it is.
    """
    itemsize = dtype.itemsize
    head = n_bytes - n_bytes % (_MULTIPLE * itemsize)
    block = max(_BLOCK_BYTES // itemsize // _MULTIPLE * _MULTIPLE, 128) * itemsize
    shuffled = np.empty(head, np.uint8)
    view: Any = memoryview(data)
    done = at = 0
    while done < head:
        size = min(block, head - done)
        start = at + 4
        at = start + int.from_bytes(view[at:start], "big")
        if at > len(data):
            raise _refused(f"bslz4: expected {at} bytes or more, got {len(data)}")
        out: Any = shuffled[done : done + size]
        if len(imagecodecs.lz4_decode(view[start:at], out=out)) != size:
            raise _refused(f"bslz4: expected a block of {size} bytes")
        done += size
    if len(data) - at != n_bytes - head:
        raise _refused(f"bslz4: expected {at + n_bytes - head} bytes, got {len(data)}")
    pixels = np.empty(n_bytes, np.uint8)
    pixels[head:] = data[at:]
    if head:
        # An array's own item size counts here, not the argument of that name.
        plain: Any = pixels[:head].view(dtype)
        imagecodecs.bitshuffle_decode(shuffled.view(dtype), out=plain)
    return pixels


def _refused(message: str) -> MalformedFrameError:
    return MalformedFrameError(message, reason=RejectReason.CODEC)


_CODECS: dict[str, Decoder] = {
    "lz4": _lz4,
    "bslz4": _bslz4,
    "blosc": _blosc,
    "jpeg": _jpeg,
}
