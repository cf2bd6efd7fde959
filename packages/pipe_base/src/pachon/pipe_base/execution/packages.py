# SPDX-License-Identifier: BSD-3-Clause
"""Versions of Python and of the packages that are imported."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from importlib import metadata

from pachon.base import ConflictError

__all__ = ["PackageVersionError", "current_packages", "merge_packages"]


class PackageVersionError(ConflictError):
    """A run holds outputs that other versions of packages made."""

    kind = "package_versions"

    def __init__(self, run: str, changed: Mapping[str, tuple[str, str]]) -> None:
        super().__init__(run, changed)
        self.run, self.changed = run, dict(changed)

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {old} -> {new}" for name, (old, new) in sorted(self.changed.items()))
        return (
            f"Run {self.run!r} was made with other versions: {shown}. "
            "Use another run, or --no-versions to go on regardless."
        )


def current_packages() -> dict[str, str]:
    """Give name -> version of Python and of every distribution of which a module is imported, sorted."""
    owners = metadata.packages_distributions()
    imported = {name.partition(".")[0] for name in sys.modules}
    # Namespace packages such as pachon belong to many distributions; those that are imported are in sys.modules.
    namespaced = {".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("pachon.")}
    found: dict[str, str] = {}
    for name in imported:
        for distribution in owners.get(name, ()):
            if name == "pachon" and distribution.replace("-", ".", 1).replace("-", "_") not in namespaced:
                continue
            found[distribution] = metadata.version(distribution)
    return {"python": platform.python_version(), **dict(sorted(found.items()))}


def merge_packages(run: str, before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Add new packages to those a run has noted.

    Raises
    ------
    PackageVersionError
        If a version changed.
    """
    changed = {name: (before[name], now[name]) for name in before.keys() & now.keys() if before[name] != now[name]}
    if changed:
        raise PackageVersionError(run, changed)
    return {**before, **now}
