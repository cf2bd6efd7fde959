# SPDX-License-Identifier: BSD-3-Clause
"""Hits of charged particles, found by their sharp edges."""

from __future__ import annotations

from typing import Any

import numpy as np

from pachon.pipe_tasks.mask_planes import MaskPlane, flags_of, set_flags, unusable

__all__ = ["mask_cosmic_rays"]


def mask_cosmic_rays(image: Any, *, threshold: float = 4.5, contrast: float = 5.0, iterations: int = 2) -> int:
    """Mark particle hits of a single image and put the median of their surroundings there.

    Parameters
    ----------
    image : CCDData
        Electrons, sky included, with standard deviation and flags; it is changed.
    threshold
        Signal to noise of the Laplacian.
    contrast
        How much sharper than the finest structure of stars a hit must be; larger values spare narrow stars.
    iterations
        Of the search; a large hit needs several.

    Returns
    -------
    int
        Number of pixels marked COSMIC_RAY.

    References
    ----------
    L.A.Cosmic (van Dokkum 2001, PASP 113, 1420), by `ccdproc`.
    """
    import ccdproc

    flags = flags_of(image)
    data = np.where(unusable(flags), np.float32(np.median(image.data)), image.data).astype(np.float32)
    cleaned, hits = ccdproc.cosmicray_lacosmic(
        data,
        sigclip=threshold,
        objlim=contrast,
        niter=iterations,
        gain_apply=False,
        satlevel=np.inf,
        invar=np.square(np.asarray(image.uncertainty.array, dtype=np.float32)),
    )
    hits = np.asarray(hits, dtype=bool) & ~unusable(flags)
    image.data = np.where(hits, np.asarray(cleaned, dtype=np.float32), image.data)
    flags = flags.copy()
    flags[hits] |= np.uint8(MaskPlane.COSMIC_RAY)
    set_flags(image, flags)
    return int(np.count_nonzero(hits))
