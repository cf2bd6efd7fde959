# SPDX-License-Identifier: BSD-3-Clause
"""Uncertainties of images, apart from them."""

from __future__ import annotations

from io import BytesIO
from typing import Any, BinaryIO, ClassVar

from pachon.base import FormatError
from pachon.datastore.formatter import Formatter
from pachon.datastore.formatters.fits_parts import open_fits, uncertainty_from_hdu, uncertainty_hdu

__all__ = ["FitsUncertaintyFormatter"]


class FitsUncertaintyFormatter(Formatter):
    """An astropy `NDUncertainty` (standard deviation, variance or inverse variance) as the FITS extension ``UNCERT``."""

    default_extension: ClassVar[str] = ".fits"
    unsupported_parameters: ClassVar[frozenset[str] | None] = None
    can_read_from_stream: ClassVar[bool] = True

    def to_bytes(self, obj: Any) -> memoryview:
        from astropy.io import fits

        buffer = BytesIO()
        fits.HDUList([fits.PrimaryHDU(), uncertainty_hdu(obj)]).writeto(buffer)
        return buffer.getbuffer()

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        with open_fits(stream) as hdus:
            if "UNCERT" not in hdus:
                raise FormatError("it has no extension UNCERT")
            return uncertainty_from_hdu(hdus["UNCERT"])
