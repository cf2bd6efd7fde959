# SPDX-License-Identifier: BSD-3-Clause
"""Headers, coordinate systems and pixels as parts of FITS files; what the FITS formatters share.

Nothing of astropy is imported before a function is called.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from pachon.base import FormatError, PachonError

__all__ = [
    "as_header",
    "header_of_file",
    "native",
    "open_fits",
    "pixels",
    "uncertainty_from_hdu",
    "uncertainty_hdu",
    "wcs_cards",
    "wcs_from_header",
    "without_wcs",
]

_WCS_KEYWORD = re.compile(
    r"(WCSAXES|WCSNAME|LONPOLE|LATPOLE|RADESYS|EQUINOX|MJDREF[IF]?|"
    r"CTYPE\d+|CUNIT\d+|CRVAL\d+|CRPIX\d+|CDELT\d+|CROTA\d+|CNAME\d+|CRDER\d+|CSYER\d+|"
    r"(CD|PC|PV|PS)\d+_\d+|(A|B|AP|BP)_(ORDER|DMAX|\d+_\d+)|WCSDIM|WAT\d_\d{3}|LTM\d_\d|LTV\d)"
)
"""Keywords of the primary coordinate system (FITS papers I and II, SIP, and what IRAF adds)."""


@contextmanager
def open_fits(source: BinaryIO | str) -> Iterator[Any]:
    """Open a FITS file whose HDUs are read when somebody looks at them.

    Raises
    ------
    FormatError
        If it is no FITS file, or is cut short.
    """
    from astropy.io import fits
    from astropy.io.fits.verify import VerifyWarning
    from astropy.utils.exceptions import AstropyUserWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VerifyWarning)
            # astropy only warns of a file that ends too early; its pixels would be made up.
            warnings.filterwarnings("error", message=".*truncated.*", category=AstropyUserWarning)
            with fits.open(source, mode="readonly", memmap=False, lazy_load_hdus=True) as hdus:
                yield hdus
    except PachonError:
        raise
    except (OSError, AstropyUserWarning, TypeError, ValueError) as error:
        raise FormatError(f"it is no whole FITS file: {error}") from error


def header_of_file(hdus: Any) -> Any:
    """Give the header of the image: that of its HDU, completed from the primary one, without structural keywords."""
    index = image_index(hdus)
    header = hdus[index].header.copy()
    if index:
        header.extend(hdus[0].header, unique=True, useblanks=False)
    header.strip()
    for keyword in ("XTENSION", "EXTNAME", "EXTVER", "NEXTEND", "CHECKSUM", "DATASUM", "ZSIMPLE"):
        header.remove(keyword, ignore_missing=True, remove_all=True)
    return header


def image_index(hdus: Any) -> int:
    """Give the index of the HDU with the image: ``IMAGE``, else the first that has pixels, else the primary one."""
    index = 0
    while True:
        try:
            hdu = hdus[index]
        except IndexError:
            return 0
        if hdu.name in ("IMAGE", "SCI") or (hdu.is_image and hdu.header.get("NAXIS", 0) > 0):
            return index
        index += 1


def pixels(hdu: Any) -> Any:
    """Give the pixels of an HDU in the byte order of this machine, scaled, None if it has none."""
    data = hdu.data
    return None if data is None else native(np.asarray(data))


def native(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Give an array in the byte order of this machine, which compiled code needs; FITS is big-endian."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def as_header(metadata: Mapping[str, Any] | None) -> Any:
    """Give a FITS header for a header or a mapping; it is a copy.

    Raises
    ------
    TypeError
        If a value cannot be in a FITS header; it names the keyword.
    """
    from astropy.io import fits

    if isinstance(metadata, fits.Header):
        return metadata.copy()
    header = fits.Header()
    with warnings.catch_warnings():
        # Long keywords become HIERARCH cards, which is what we want.
        warnings.simplefilter("ignore", fits.verify.VerifyWarning)
        for keyword, value in (metadata or {}).items():
            if isinstance(value, np.generic):
                value = value.item()
            try:
                header[keyword] = value
            except (TypeError, ValueError) as error:
                raise TypeError(f"the value of {keyword!r} cannot be in a FITS header: {error}") from error
    return header


def without_wcs(header: Any) -> Any:
    """Give a copy of a header without the keywords of its primary coordinate system."""
    clean = header.copy()
    for keyword in [keyword for keyword in header if _WCS_KEYWORD.fullmatch(keyword)]:
        clean.remove(keyword, ignore_missing=True, remove_all=True)
    return clean


def wcs_cards(wcs: Any) -> Any:
    """Give a coordinate system as header cards, distortions in standard keywords included.

    Raises
    ------
    TypeError
        If it has look-up tables, which are no keywords.
    """
    if any(getattr(wcs, name, None) is not None for name in ("cpdis1", "cpdis2", "det2im1", "det2im2")):
        raise TypeError("a WCS with distortion tables cannot be kept as header keywords")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wcs.to_header(relax=True)


def wcs_from_header(header: Any) -> Any:
    """Give the primary coordinate system of a header, None if it has none."""
    from astropy.wcs import WCS, FITSFixedWarning

    if not header.get("CTYPE1"):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        return WCS(header)


def uncertainty_hdu(uncertainty: Any, make: Callable[[Any, Any], Any] | None = None) -> Any:
    """Make the HDU ``UNCERT`` of an uncertainty; its kind is in UTYPE, as astropy has it, its unit in BUNIT.

    Parameters
    ----------
    uncertainty
        Standard deviation, variance or inverse variance.
    make
        Makes the HDU of an array and a header, if it is not to be a plain one.

    Raises
    ------
    TypeError
        If it is of another kind.
    """
    from astropy.io import fits

    kinds = {"std": "StdDevUncertainty", "var": "VarianceUncertainty", "ivar": "InverseVariance"}
    kind = kinds.get(uncertainty.uncertainty_type)
    if kind is None:
        raise TypeError(f"an uncertainty of kind {uncertainty.uncertainty_type!r} has no place in a FITS file")
    header = fits.Header()
    header["UTYPE"] = (kind, "Kind of uncertainty")
    if uncertainty.unit is not None:
        header["BUNIT"] = uncertainty.unit.to_string()
    array = np.asarray(uncertainty.array)
    return fits.ImageHDU(array, header, name="UNCERT") if make is None else make(array, header)


def uncertainty_from_hdu(hdu: Any) -> Any:
    """Give the uncertainty that an HDU holds; a standard deviation if it does not say."""
    from astropy import nddata

    kinds = {
        "StdDevUncertainty": nddata.StdDevUncertainty,
        "VarianceUncertainty": nddata.VarianceUncertainty,
        "InverseVariance": nddata.InverseVariance,
    }
    made = kinds.get(hdu.header.get("UTYPE", ""), nddata.StdDevUncertainty)
    return made(pixels(hdu), unit=hdu.header.get("BUNIT"))
