# SPDX-License-Identifier: BSD-3-Clause
"""The steps from one schema version to the next, and walking them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from typing import Protocol, cast

import sqlalchemy as sa

from pachon.registry.errors import SchemaVersionError
from pachon.registry.migration import versions

__all__ = ["Revision", "known_revisions", "pending_revisions", "record_version", "title_of"]


class Revision(Protocol):
    """A module of `pachon.registry.migration.versions`."""

    __doc__: str | None
    revision: str
    """The version that it makes."""
    down_revision: str
    """The version that it starts from."""

    def upgrade(self) -> None:
        """Change the tables, with the operations of ``alembic.op``."""


@cache
def known_revisions() -> tuple[Revision, ...]:
    """Give the steps that this version of pachon knows, oldest first."""
    modules = [
        importlib.import_module(f"{versions.__name__}.{found.name}")
        for found in pkgutil.iter_modules(versions.__path__)
    ]
    return tuple(sorted((cast("Revision", module) for module in modules), key=lambda module: int(module.revision)))


def pending_revisions(version: int, revisions: Sequence[Revision], wanted: int) -> tuple[Revision, ...]:
    """Give the steps from a version to the wanted one.

    Raises
    ------
    SchemaVersionError
        If the version is newer than the wanted one, or no steps lead from it.
    """
    if version > wanted:
        raise SchemaVersionError(
            f"The registry has schema version {version}; this pachon knows versions up to {wanted}. Use a newer pachon."
        )
    by_start = {int(step.down_revision): step for step in revisions}
    steps: list[Revision] = []
    while version < wanted:
        if version not in by_start:
            raise SchemaVersionError(
                f"No step leads from schema version {version} to {wanted}; migrate with an older pachon first."
            )
        steps.append(by_start[version])
        version = int(steps[-1].revision)
    return tuple(steps)


def title_of(step: Revision) -> str:
    """Give the first line of a step's documentation."""
    return (step.__doc__ or f"Schema version {step.revision}.").strip().splitlines()[0]


def record_version(connection: sa.Connection, version: str) -> None:
    """Record the version of the tables."""
    connection.execute(
        sa.text("UPDATE attribute SET value = :version WHERE name = 'schema_version'"), {"version": version}
    )
