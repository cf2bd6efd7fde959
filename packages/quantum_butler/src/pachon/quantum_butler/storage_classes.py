# SPDX-License-Identifier: BSD-3-Clause
"""Which formatters storage classes of this package have. Whoever opens a repository asks for them, and needs no graph for that."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DEFAULT_FORMATTERS"]

DEFAULT_FORMATTERS: Mapping[str, str] = {"ProvenanceQuantumGraph": "provenance"}
"""Entry point of ``pachon.default_formatters``."""
