# SPDX-License-Identifier: BSD-3-Clause
"""How messages write the place of a file."""

from __future__ import annotations

from pachon.resources import ResourcePath

__all__ = ["path_text"]


def path_text(uri: ResourcePath) -> str:
    """Give a path as people write it: without scheme if it is of this machine."""
    return uri.ospath if uri.is_local else str(uri)
