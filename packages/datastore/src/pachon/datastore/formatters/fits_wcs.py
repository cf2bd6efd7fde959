# SPDX-License-Identifier: BSD-3-Clause
"""Coordinate systems."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any, BinaryIO, ClassVar

from pachon.base import FormatError
from pachon.datastore.formatter import Formatter
from pachon.datastore.formatters.fits_parts import header_of_file, open_fits, wcs_from_header

__all__ = ["FitsWcsFormatter"]


class FitsWcsFormatter(Formatter):
    """An astropy `WCS` as a FITS file without pixels; distortion tables become extensions.

    The shape of the image, if the WCS knows it, is kept in ``WCSSHPn``. The WCS of any FITS image is read, too.
    """

    default_extension: ClassVar[str] = ".fits"
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".fits.fz", ".fits.gz", ".fit", ".wcs"})
    unsupported_parameters: ClassVar[frozenset[str] | None] = None
    can_read_from_stream: ClassVar[bool] = True

    def to_bytes(self, obj: Any) -> memoryview:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hdus = obj.to_fits(relax=True)
        for axis, length in enumerate(obj.pixel_shape or (), start=1):
            if length is not None:
                hdus[0].header[f"WCSSHP{axis}"] = (length, "Pixels along the axis")
        buffer = BytesIO()
        hdus.writeto(buffer)
        return buffer.getbuffer()

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        from astropy.wcs import WCS, FITSFixedWarning

        with open_fits(stream) as hdus:
            header = header_of_file(hdus)
            tables = any(hdu.name in ("WCSDVARR", "D2IMARR") for hdu in hdus[1:])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FITSFixedWarning)
                wcs = WCS(hdus[0].header, hdus) if tables else wcs_from_header(header)
            if wcs is None:
                raise FormatError("its header has no coordinate system")
            shape = [header.get(f"WCSSHP{axis}") for axis in range(1, wcs.naxis + 1)]
            if all(length is not None for length in shape):
                wcs.pixel_shape = tuple(shape)
            return wcs
