import numpy as np
import pvaccess
import pytest

from tomostream.epics.ndarray import UNION_FIELDS


def _ntndarray(
    image, *, camera_id=7, codec="", coded_as=None, sizes=None, offset=0, binning=1,
    full=None, stamp=(100, 5), data_stamp=(200, 6), attributes=(),
):  # fmt: skip
    """Make an NTNDArray as areaDetector does; nothing of it needs a network."""
    rows, columns = image.shape if image.ndim == 2 else (1, image.size)
    array = pvaccess.NtNdArray()
    array["uniqueId"] = camera_id
    array["dimension"] = [
        pvaccess.PvDimension(size, start, full or size, bins, False)
        for size, start, bins in zip(
            sizes or (columns, rows), (offset, 0), (binning, 1), strict=False
        )
    ]
    array["timeStamp"] = pvaccess.PvTimeStamp(*stamp)
    array["dataTimeStamp"] = pvaccess.PvTimeStamp(*data_stamp)
    array["attribute"] = [
        pvaccess.NtAttribute(name, value) for name, value in attributes
    ]
    if codec:
        array["codec"] = pvaccess.PvCodec(codec, pvaccess.PvInt(coded_as))
    if image.size:
        array["value"] = {
            UNION_FIELDS[image.dtype]: np.ascontiguousarray(image).ravel()
        }
    return array


@pytest.fixture
def ntndarray():
    return _ntndarray
