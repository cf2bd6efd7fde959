# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
from astropy.nddata import CCDData

from pachon.pipe_tasks.mask_planes import MaskPlane, flags_of, set_flags


def test_planes_fit_a_byte():
    assert max(MaskPlane) < 256
    assert all(int(plane).bit_count() == 1 for plane in MaskPlane)


def test_flags_make_mask_and_header():
    image = CCDData(np.zeros((2, 3)), unit="adu")
    flags = np.zeros((2, 3), dtype=np.uint8)
    flags[0, 0], flags[0, 1], flags[1, 2] = MaskPlane.BAD, MaskPlane.CLIPPED, MaskPlane.SATURATED | MaskPlane.SUSPECT
    set_flags(image, flags)
    assert image.mask.tolist() == [[True, False, False], [False, False, True]]
    assert image.header["MP_SATUR"] == 1
    np.testing.assert_array_equal(flags_of(image), flags)


def test_a_mask_alone_is_bad():
    mask = np.array([[True, False]])
    assert flags_of(CCDData(np.zeros((1, 2)), unit="adu", mask=mask)).tolist() == [[MaskPlane.BAD, 0]]
    assert flags_of(CCDData(np.zeros((1, 2)), unit="adu")).tolist() == [[0, 0]]
