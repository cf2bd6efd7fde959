# SPDX-License-Identifier: BSD-3-Clause
"""Read headers of FITS files, and say plainly what is wrong with a bad one."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
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
    # The blocks are followed here: astropy passes over an extension of which not all is there.
    from astropy.io import fits

    shown = name or path
    size = Path(path).stat().st_size
    with open(path, "rb") as stream:
        begin = stream.read(9)
        if begin[:2] == b"\x1f\x8b":
            return  # compressed as a whole: what is missing shows when it is read
        if not begin.startswith(b"SIMPLE  ="):
            raise NotFitsError(shown)
        stream.seek(0)
        count = 0
        while True:
            try:
                header = fits.Header.fromfile(stream)
                end = stream.tell() + _data_size(header)
            except (OSError, EOFError, ValueError, KeyError, fits.VerifyError) as error:
                raise TruncatedFitsError(shown, size) from error
            count += 1
            next_block = -(-end // _BLOCK) * _BLOCK
            # Without its padding an image is all there if it is alone in its file; else whole extensions may be missing.
            if end > size or (next_block > size and count > 1):
                raise TruncatedFitsError(shown, size, next_block if end <= size else end)
            stream.seek(next_block)
            if stream.read(8) != b"XTENSION":
                return
            stream.seek(next_block)


def _data_size(header: Any) -> int:
    """Give the bytes that follow a header, padding not counted."""
    axes = [int(header[f"NAXIS{i}"]) for i in range(1, int(header["NAXIS"]) + 1)]
    if not axes:
        return 0
    if axes[0] == 0:  # random groups
        axes = axes[1:]
    pixels = math.prod(axes) + int(header.get("PCOUNT", 0))
    return abs(int(header["BITPIX"])) // 8 * int(header.get("GCOUNT", 1)) * pixels


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
