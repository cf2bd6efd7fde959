# SPDX-License-Identifier: BSD-3-Clause
"""Storage classes that this package brings, and their formatters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["DEFAULT_FORMATTERS", "DEFINITIONS"]

DEFINITIONS: Mapping[str, Mapping[str, Any]] = {
    "Camera": {"pytype": "pachon.obs_base.camera.Camera"},
    "SkyMap": {"pytype": "pachon.obs_base.skymap.sky_map.SkyMap"},
}
"""Entry point of ``pachon.storage_classes``."""

DEFAULT_FORMATTERS: Mapping[str, str] = {"Camera": "json", "SkyMap": "sky_map"}
"""Entry point of ``pachon.default_formatters``."""
