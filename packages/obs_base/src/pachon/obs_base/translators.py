# SPDX-License-Identifier: BSD-3-Clause
"""The metadata translators of this package, as a plug-in of ``astro-metadata-translator``."""

from __future__ import annotations

from pachon.obs_base.nickel.translator import NickelTranslator
from pachon.obs_base.simcam.translator import SimCamTranslator

__all__ = ["translator_names"]


def translator_names() -> list[str]:
    """Give the names of the translators, which are registered by the import of this module."""
    return [NickelTranslator.name, SimCamTranslator.name]
