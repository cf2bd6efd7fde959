# SPDX-License-Identifier: BSD-3-Clause
"""Read headers of FITS files, and say plainly what is wrong with a bad one."""

from __future__ import annotations

import warnings
from typing import Any

from pachon.base import NotFoundError
from pachon.obs_base.errors import HeaderError, NotFitsError, TruncatedFitsError
from pachon.obs_base.path_text import path_text
from pachon.resources import ResourcePath

__all__ = ["check_fits_file", "read_headers"]


_BLOCK = 2880


def check_fits_file(path: str, *, name: str | None = None) -> None:
    """Make sure that a local file is FITS and holds all the data that its headers announce.

    Parameters
    ----------
    path
        The file.
    name
        What messages call it; the path if left out.

    Raises
    ------
    NotFitsError
        If it does not begin like a FITS file.
    TruncatedFitsError
        If it ends too early, in a header or in data.
    """
    import os

    from astropy.io import fits

    shown = name or path
    size = os.path.getsize(path)
    with open(path, "rb") as stream:
        begin = stream.read(9)
    if begin[:2] == b"\x1f\x8b":
        return  # compressed as a whole: what is missing shows when it is read
    if not begin.startswith(b"SIMPLE  ="):
        raise NotFitsError(shown)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # Compressed images are looked at as the tables that they are: their sizes are in the file.
            with fits.open(path, mode="readonly", memmap=True, disable_image_compression=True) as hdus:
                ends = [hdu.fileinfo()["datLoc"] + hdu.size for hdu in hdus]
        except (OSError, EOFError, ValueError, TypeError, KeyError) as error:
            raise TruncatedFitsError(shown, size) from error
    if max(ends) > size:
        raise TruncatedFitsError(shown, size, max(ends))
    # Cut in the padding, a file may have lost whole extensions; alone in its file an image is all there.
    if len(ends) > 1 and size % _BLOCK:
        raise TruncatedFitsError(shown, size, -(-size // _BLOCK) * _BLOCK)
    # astropy passes over an extension whose header is not all there.
    with open(path, "rb") as stream:
        stream.seek(-(-max(ends) // _BLOCK) * _BLOCK)
        if stream.read(8) == b"XTENSION":
            raise TruncatedFitsError(shown, size)


def read_headers(uri: ResourcePath) -> tuple[Any, Any | None]:
    """Give the primary header and that of HDU 1 (None if there is none) of a sound FITS file.

    Raises
    ------
    NotFoundError
        If there is no such file.
    NotFitsError, TruncatedFitsError
        If it is no FITS file, or not all of one.
    HeaderError
        If a header cannot be read.
    """
    from astropy.io import fits

    try:
        with uri.as_local() as local:
            path = local.ospath
            check_fits_file(path, name=path_text(uri))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with fits.open(path, mode="readonly", memmap=True) as hdus:
                    second = hdus[1].header.copy() if len(hdus) > 1 else None
                    return hdus[0].header.copy(), second
    except FileNotFoundError as error:
        raise NotFoundError(f"{path_text(uri)}: there is no such file.") from error
    except (OSError, EOFError, fits.VerifyError) as error:
        raise HeaderError(path_text(uri), f"its header cannot be read ({error}).") from error
