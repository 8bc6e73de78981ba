import re

import pytest

from tomostream.sim.tomoscan import DATA_TYPES, ScanRecords, database_text


def text(**changes):
    records = {
        "tomoscan_prefix": "sim:TomoScanStream:", "image_prefix": "sim:Pva1:",
        "shape": (300, 512), "dtype": "uint16", "n_angles": 360, "step_deg": 0.5,
        "start_deg": 0.0, "rate_hz": 100.0,
    }  # fmt: skip
    return database_text(ScanRecords(**(records | changes)))


def test_records_of_the_contract_are_served():
    names = re.findall(r'record\(\w+, "([^"]+)"\)', text())
    assert len(names) == len(set(names))
    for name in ("FrameType", "FirstProjid", "ImagePVAPrefix", "NumAngles"):
        assert f"sim:TomoScanStream:{name}" in names
    assert "sim:Pva1:DataType_RBV" in names


@pytest.mark.parametrize(("number", "dtype"), list(enumerate(DATA_TYPES)))
def test_pixel_type_is_the_chosen_one(number, dtype):
    record = text(dtype=dtype).split('"sim:Pva1:DataType_RBV"')[1].split("}")[0]
    assert f'field(VAL, "{number}")' in record


def test_image_prefix_is_the_value_of_a_record():
    assert 'field(VAL, "sim:Pva1:")' in text()


def test_columns_are_x():
    record = text().split('"sim:TomoScanStream:ImageSizeX"')[1].split("}")[0]
    assert 'field(VAL, "512")' in record
