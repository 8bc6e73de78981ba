"""Serve NTNDArrays of many kinds, good and hostile, over and over: CHANNEL KIND,...

The image with id k is of kind k modulo the number of kinds.
"""

import sys

import imagecodecs
import numpy as np
import pvaccess

from tomostream.runtime import StopSignal, SystemClock

UNION = {
    "i1": "byte", "u1": "ubyte", "i2": "short", "u2": "ushort", "i4": "int",
    "u4": "uint", "i8": "long", "u8": "ulong", "f4": "float", "f8": "double",
}  # fmt: skip
CODES = {"u1": 5, "u2": 6, "f4": 9}
ROWS, COLUMNS = 48, 64


def image(dtype):
    return (np.arange(ROWS * COLUMNS) % 100).reshape(ROWS, COLUMNS).astype(dtype)


def bslz4(pixels):
    shuffled = imagecodecs.bitshuffle_encode(pixels.tobytes(), itemsize=pixels.itemsize)
    parts = []
    for start in range(0, len(shuffled), 8192):
        packed = imagecodecs.lz4_encode(shuffled[start : start + 8192])
        parts += [len(packed).to_bytes(4, "big"), packed]
    return b"".join(parts)


ENCODE = {
    "lz4": lambda p: imagecodecs.lz4_encode(p.tobytes()),
    "blosc": lambda p: imagecodecs.blosc_encode(p.tobytes(), typesize=p.itemsize),
    "bslz4": bslz4,
    "jpeg": lambda p: imagecodecs.jpeg_encode(p, level=100),
    "zstd": lambda p: p.tobytes(),
}


def ntndarray(number, kind):
    array = pvaccess.NtNdArray()
    array["uniqueId"] = number
    stamp = pvaccess.PvTimeStamp(SystemClock().now_s())
    array["timeStamp"] = array["dataTimeStamp"] = stamp
    codec, _, dtype = kind.partition("-")
    dtype = dtype or (kind if kind in UNION else "u2")
    pixels = image(dtype)
    sizes = [COLUMNS, ROWS]
    if codec in ENCODE:
        array["codec"] = pvaccess.PvCodec(codec, pvaccess.PvInt(CODES[dtype]))
        pixels, dtype = np.frombuffer(ENCODE[codec](pixels), "u1"), "u1"
    if kind == "zero":
        sizes = [0, ROWS]
    if kind == "flat":
        sizes = [COLUMNS * ROWS]
    if kind == "colour":
        sizes = [3, COLUMNS, ROWS // 3]
    if kind == "truncated":
        pixels = pixels.ravel()[:100]
    array["dimension"] = [pvaccess.PvDimension(s, 0, s, 1, False) for s in sizes]
    if kind != "empty":
        array["value"] = {f"{UNION[dtype]}Value": pixels.ravel()}
    return array


def main():
    channel, kinds = sys.argv[1], sys.argv[2].split(",")
    server = pvaccess.PvaServer()
    server.addRecord(channel, pvaccess.NtNdArray(), None)
    server.start()
    print('{"ready": true}', flush=True)
    pace, number = StopSignal(), 0
    while True:
        number += 1
        server.update(channel, ntndarray(number, kinds[number % len(kinds)]))
        pace.wait(0.01)


main()
