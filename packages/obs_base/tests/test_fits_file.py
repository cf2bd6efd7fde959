# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from pachon.base import NotFoundError
from pachon.obs_base.errors import NotFitsError, TruncatedFitsError
from pachon.obs_base.fits_file import check_fits_file, read_headers
from pachon.resources import ResourcePath


@pytest.fixture(params=["plain", "extension", "compressed"])
def fits_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    pixels = np.random.default_rng(1).integers(0, 5000, (100, 120)).astype(np.uint16)
    path = tmp_path / "frame.fits"
    if request.param == "plain":
        fits.PrimaryHDU(pixels).writeto(path)
    elif request.param == "extension":
        fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(pixels), fits.ImageHDU(pixels)]).writeto(path)
    else:
        fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(pixels)]).writeto(path)
    return path


def test_sound_file(fits_file: Path) -> None:
    check_fits_file(str(fits_file))
    primary, second = read_headers(ResourcePath(fits_file))
    assert primary["SIMPLE"] is True
    assert (second is None) == (len(fits.open(fits_file)) == 1)


@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.5, 0.9])
def test_cut_short(fits_file: Path, fraction: float) -> None:
    content = fits_file.read_bytes()
    fits_file.write_bytes(content[: int(len(content) * fraction)])
    with pytest.raises(TruncatedFitsError) as caught:
        read_headers(ResourcePath(fits_file))
    message = str(caught.value)
    assert message.startswith(f"{fits_file}: this FITS file is cut short")
    assert "\n" not in message


def test_a_whole_extension_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "frame.fits"
    pixels = np.zeros((10, 10), dtype=np.int16)
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(pixels), fits.ImageHDU(pixels)]).writeto(path)
    # Cut in the header, and in the padding before it.
    content = path.read_bytes()
    for length in (3 * 2880 + 500, 3 * 2880 - 500):
        path.write_bytes(content[:length])
        with pytest.raises(TruncatedFitsError):
            check_fits_file(str(path))


def test_missing_padding_is_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(np.zeros((10, 10), dtype=np.int16)).writeto(path)
    path.write_bytes(path.read_bytes()[: 2880 + 200])
    check_fits_file(str(path))


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x89PNG\r\n\x1a\n" + b"x" * 5000])
def test_no_fits(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "frame.fits"
    path.write_bytes(content)
    with pytest.raises(NotFitsError, match=r"frame.fits: this is not a FITS file"):
        read_headers(ResourcePath(path))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nowhere.fits: there is no such file|nowhere.fits.*not exist"):
        read_headers(ResourcePath(tmp_path / "nowhere.fits"))
