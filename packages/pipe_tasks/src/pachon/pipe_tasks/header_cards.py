# SPDX-License-Identifier: BSD-3-Clause
"""FITS headers of images, whatever mapping an image came with."""

from __future__ import annotations

from typing import Any

__all__ = ["ensure_header"]


def ensure_header(image: Any) -> Any:
    """Give the header of a CCDData as a FITS header; one that has another mapping gets its own, with the same entries.

    Arithmetic and constructors of `CCDData` leave plain dictionaries behind, which take no comments.
    """
    from astropy.io.fits import Header

    if not isinstance(image.meta, Header):
        image.meta = Header(dict(image.meta).items())
    return image.meta
