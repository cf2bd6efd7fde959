# SPDX-License-Identifier: BSD-3-Clause
"""The settings of a repository one by one, with where each comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pachon.butler.repository_config import RepositoryConfig

__all__ = ["Setting", "iter_settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value of a configuration and where it came from."""

    key: str
    """Names of the sections and of the value, joined by dots."""
    value: Any
    origin: str
    """``default``, or the file that says so."""


def iter_settings(document: Mapping[str, Any], config: RepositoryConfig, source: str) -> Iterator[Setting]:
    """Give every setting of a repository, defaults included, with its origin.

    Parameters
    ----------
    document
        What the file holds.
    config
        The same, as a value.
    source
        Name of the file.
    """
    written = dict(_leaves(document))
    for key, value in _leaves(config.to_document(complete=True)):
        yield Setting(key=key, value=value, origin=source if key in written else "default")


def _leaves(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{key}.")
        else:
            yield key, value
