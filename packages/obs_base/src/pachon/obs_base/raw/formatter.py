# SPDX-License-Identifier: BSD-3-Clause
"""Reading raw frames: the base of the instruments' formatters."""

from __future__ import annotations

from typing import Any, BinaryIO, ClassVar

import numpy as np

from pachon.base import FormatError, InvalidInputError, closest
from pachon.datastore.formatter import Formatter
from pachon.datastore.formatters.fits_parts import native, open_fits, wcs_from_header, without_wcs

__all__ = ["RawFormatter"]

_COMPONENTS = ("image", "mask", "uncertainty", "header", "wcs")


class RawFormatter(Formatter):
    """Reads a raw FITS frame as a `CCDData` in ADU, with header and WCS; it writes nothing.

    The components ``header`` and ``wcs`` are read without the pixels; ``mask`` and
    ``uncertainty`` of a raw frame are None. A subclass says which HDU holds the detector, and
    whether the frame saw the sky (if not, it has no WCS).
    """

    default_extension: ClassVar[str] = ".fits"
    supported_extensions: ClassVar[frozenset[str]] = frozenset(
        {".fits.fz", ".fits.gz", ".fit", ".fit.fz", ".fit.gz", ".fts", ".fz"}
    )
    unsupported_parameters: ClassVar[frozenset[str] | None] = None
    reads_components: ClassVar[bool] = True
    can_read_from_stream: ClassVar[bool] = True

    def find_hdu(self, hdus: Any, detector: int | None) -> Any:
        """Give the HDU with the pixels of a detector; the first that holds an image unless a subclass knows better."""
        del detector
        for hdu in hdus:
            if hdu.is_image and hdu.header.get("NAXIS", 0) == 2:
                return hdu
        raise FormatError("it has no image.")

    def sees_sky(self, header: Any) -> bool:
        """Tell whether the frame was exposed to the sky, so that its WCS means something."""
        del header
        return True

    def whole_header(self, hdus: Any, hdu: Any) -> Any:
        """Give the header of an exposure's detector: that of its HDU, completed from the primary one."""
        header = hdu.header.copy()
        if hdu is not hdus[0]:
            header.extend(hdus[0].header, unique=True, useblanks=False)
        header.strip()
        for keyword in ("XTENSION", "EXTNAME", "EXTVER", "CHECKSUM", "DATASUM", "EXTEND"):
            header.remove(keyword, ignore_missing=True, remove_all=True)
        return header

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        if component is not None and component not in _COMPONENTS:
            raise InvalidInputError(
                f"A raw frame has no component {component!r}; it has {', '.join(_COMPONENTS)}."
                f"{closest(component, _COMPONENTS)}"
            )
        if component in ("mask", "uncertainty"):
            return None
        with open_fits(stream) as hdus:
            detector = None if self.ref is None else int(self.ref.data_id["detector"])
            hdu = self.find_hdu(hdus, detector)
            if component == "image":
                return _pixels(hdu)
            header = self.whole_header(hdus, hdu)
            wcs = wcs_from_header(header) if self.sees_sky(header) else None
            if component == "header":
                return without_wcs(header)
            if component == "wcs":
                return wcs
            from astropy.nddata import CCDData

            return CCDData(_pixels(hdu), unit="adu", meta=without_wcs(header), wcs=wcs)


def _pixels(hdu: Any) -> np.ndarray[Any, Any]:
    if hdu.data is None:
        raise FormatError("its image is empty.")
    return native(np.asarray(hdu.data))
