# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
from astropy.io.fits import Header
from astropy.nddata import CCDData

from pachon.pipe_tasks.header_cards import ensure_header


def test_a_plain_mapping_becomes_a_header():
    image = CCDData(np.zeros((2, 2)), unit="adu", meta={"EXPTIME": 3.0})
    header = ensure_header(image)
    header["A"] = (1, "comment")
    assert isinstance(image.header, Header)
    assert (image.header["EXPTIME"], image.header["A"]) == (3.0, 1)
    assert ensure_header(image) is image.header
