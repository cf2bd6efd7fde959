# SPDX-License-Identifier: BSD-3-Clause
"""Bringing a registry to another version of its universe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from pachon.base import progress
from pachon.dimensions import DimensionUniverse
from pachon.registry.database.inserts import insert_columns
from pachon.registry.dimension_records.overlaps import pixels_of_regions
from pachon.registry.errors import IncompatibleUniverseError
from pachon.registry.migration.session import MigrationSession
from pachon.registry.migration.table_change import bring_back, change_table, create_table, drop_table, set_aside
from pachon.registry.migration.universe_change import (
    DataCondition,
    FillSource,
    UniverseChange,
    compare_universes,
    group_in_new_universe,
)
from pachon.registry.schema.dimension_tables import dimension_column
from pachon.registry.schema.schema import DEFINITIONS, Schema, universe_attributes

__all__ = ["upgrade_universe"]

_REGIONS_AT_ONCE = 10_000


def upgrade_universe(session: MigrationSession, old: DimensionUniverse, new: DimensionUniverse) -> list[str]:
    """Bring a registry to a new universe; give the changes in words.

    Raises
    ------
    IncompatibleUniverseError
        If the new universe does not suit the records or dataset types that are there; it names all reasons.
    """
    change = compare_universes(old, new)
    return _Upgrade(session, change).run()


class _Upgrade:
    """One upgrade: the tables before and after, and the groups that dataset types have."""

    def __init__(self, session: MigrationSession, change: UniverseChange) -> None:
        self._session = session
        self._connection = session.connection
        self._change = change
        self._before, self._after = Schema(change.old), Schema(change.new)
        self._kept: dict[int, tuple[str, ...]] = {}
        self._lost: dict[int, tuple[str, ...]] = {}

    def run(self) -> list[str]:
        """Check, change, and record the new universe."""
        change = self._change
        refusals = [*change.refusals, *self._wrong_groups(), *(r for c in change.conditions if (r := self._broken(c)))]
        if refusals:
            old, new = change.old, change.new
            what = f"The change from universe {old.namespace} version {old.version} to {new.namespace} version {new.version}"
            raise IncompatibleUniverseError(what, tuple(dict.fromkeys(refusals)))
        self._drop()
        for name in (name for name in change.new.elements if name in (*change.added, *change.rebuilt)):
            create_table(self._session, self._after.elements[name])
            if name in change.carried:
                bring_back(self._session, self._before.elements[name], self._after.elements[name])
            for source in change.filled.get(name, ()):
                self._fill(name, source)
        self._change_tables()
        for name in change.removed:
            drop_table(self._session, self._before.elements[name])
        self._overlaps()
        self._record()
        return change.lines

    def _wrong_groups(self) -> list[str]:
        """Sort the registered groups into those that stay and those that nobody uses; give what forbids the change."""
        static = self._before.static
        used: dict[int, list[str]] = {}
        for name, number in self._connection.execute(
            sa.select(static.dataset_type.c.name, static.dataset_type.c.group_id).order_by(static.dataset_type.c.name)
        ):
            used.setdefault(number, []).append(name)
        refusals = []
        groups = self._connection.execute(
            sa.select(static.dimension_group.c.group_id, static.dimension_group.c.dimensions)
        )
        for number, text in groups.all():
            names = tuple(text.split(",")) if text else ()
            reasons = [f"{name}: {why}" for name, why in self._change.unused.items() if name in names]
            after = group_in_new_universe(self._change.old, self._change.new, names)
            if after is None and not reasons:
                reasons = [f"other dimensions than {', '.join(names)} would identify its data IDs"]
            if after is not None and not reasons:
                self._kept[number] = after
            else:
                self._lost[number] = names
            refusals += [
                f"dataset type {name!r} exists ({'; '.join(reasons)})" for name in used.get(number, ()) if reasons
            ]
        return refusals

    def _broken(self, condition: DataCondition) -> str | None:
        """Give how the stored records break a condition."""
        table = self._before.elements[condition.element]
        columns = [table.c[name] for name in condition.columns]
        count = sa.select(sa.func.count()).select_from(table)
        match condition.kind:
            case "no_nulls":
                count = count.where(sa.or_(*(column.is_(None) for column in columns)))
            case "all_null":
                count = count.where(sa.or_(*(column.is_not(None) for column in columns)))
            case "fits":
                count = count.where(sa.func.length(columns[0]) > condition.limit)
            case "distinct":
                twice = sa.select(*columns).group_by(*columns).having(sa.func.count() > 1)
                count = sa.select(sa.func.count()).select_from(twice.subquery())
            case "known":
                there = self._before.elements[condition.dimension]
                parent = self._change.old[condition.dimension]
                same = [
                    there.c[parent.key_name(name)] == column
                    for name, column in zip(parent.required, columns, strict=True)
                ]
                count = count.where(~sa.exists().where(*same))
        found = self._connection.execute(count).scalar_one()
        if not found:
            return None
        which = {
            "empty": "there are {} records",
            "no_nulls": "{} records have none",
            "all_null": "{} records have one",
            "fits": "{} records have longer ones",
            "distinct": "{} values occur more than once",
            "known": "{} records name none",
        }[condition.kind].format(f"{found:,}")
        return f"{condition.element}: {condition.reason}, and {which}"

    def _drop(self) -> None:
        """Remove the tables of groups that nobody uses and cannot stay, and those that are made anew."""
        for number, names in self._lost.items():
            tables = self._before.datasets(self._change.old.conform(names), number)
            drop_table(self._session, tables.membership)
            drop_table(self._session, tables.validity)
            group = self._before.static.dimension_group
            self._connection.execute(sa.delete(group).where(group.c.group_id == number))
        for name in (*reversed(self._change.rebuilt), *self._change.removed, *self._lost_regions()):
            if name in self._before.overlaps:
                drop_table(self._session, self._before.overlaps[name])
        for name in reversed(self._change.rebuilt):
            remove = set_aside if name in self._change.carried else drop_table
            remove(self._session, self._before.elements[name])

    def _lost_regions(self) -> list[str]:
        gone = {*self._change.rebuilt, *self._change.removed}
        return [
            name
            for name in self._before.overlaps
            if name not in gone and (self._change.new_pixels or name not in self._after.overlaps)
        ]

    def _fill(self, name: str, source: FillSource) -> None:
        """Make records of a new element from the values that another element's records hold."""
        called = {new: old for old, new in self._change.renamed.get(source.element, {}).items()}
        stored = self._before.elements[source.element]
        target = self._after.elements[name]
        values = (
            sa.select(*(stored.c[called.get(c, c)].label(k) for k, c in source.columns.items())).distinct().subquery()
        )
        there = sa.exists().where(*(target.c[key] == values.c[key] for key in source.columns))
        missing = sa.select(values).where(~there)
        self._connection.execute(sa.insert(target).from_select(list(source.columns), missing))

    def _change_tables(self) -> None:
        skipped = {*self._change.added, *self._change.rebuilt}
        stay = [name for name in self._after.elements if name not in skipped]
        for name in stay:
            renamed = self._change.renamed.get(name)
            change_table(self._session, self._before.elements[name], self._after.elements[name], renamed)
        for name in stay:
            if name in self._after.overlaps and name in self._before.overlaps and not self._change.new_pixels:
                change_table(self._session, self._before.overlaps[name], self._after.overlaps[name])
        group = self._after.static.dimension_group
        for number, names in self._kept.items():
            after = self._after.datasets(self._change.new.conform(names), number)
            before = self._before.datasets(self._change.old.conform(self._change.new.conform(names).required), number)
            change_table(self._session, before.membership, after.membership)
            change_table(self._session, before.validity, after.validity)
            if names != before.group.names:
                self._connection.execute(
                    sa.update(group).where(group.c.group_id == number).values(dimensions=",".join(names))
                )

    def _overlaps(self) -> None:
        """Make the tables of overlaps that are new, and fill them where there are regions."""
        gone = {*self._change.rebuilt, *self._change.removed}
        for name, table in self._after.overlaps.items():
            if self._change.new_pixels or name not in self._before.overlaps or name in gone:
                create_table(self._session, table)
                self._compute(name, table)

    def _compute(self, name: str, table: sa.Table) -> None:
        element, universe = self._change.new[name], self._change.new
        stored = self._after.elements[name]
        keys = [stored.c[element.key_name(d)] for d in element.required]
        with_region = stored.c.region.is_not(None)
        total = self._connection.execute(sa.select(sa.func.count()).select_from(stored).where(with_region)).scalar_one()
        rows = self._connection.execute(sa.select(*keys, stored.c.region).where(with_region))
        grid = universe.pixelization(universe.common_skypix)
        with progress(f"Overlaps of {name}", total=total) as bar:
            while part := rows.fetchmany(_REGIONS_AT_ONCE):
                index, pixels = pixels_of_regions(grid, [row[-1] for row in part])
                columns: dict[str, list[Any]] = {
                    dimension_column(d): [part[i][place] for i in index.tolist()]
                    for place, d in enumerate(element.required)
                }
                columns[dimension_column(universe.common_skypix)] = pixels.tolist()
                insert_columns(self._connection, table, columns)
                bar.advance(len(part))

    def _record(self) -> None:
        """Record the new universe, and have all clients forget what they know."""
        attribute, counter = self._after.static.attribute, self._after.static.change_counter
        attributes: Mapping[str, str] = universe_attributes(self._change.new)
        for name, value in attributes.items():
            self._connection.execute(sa.update(attribute).where(attribute.c.name == name).values(value=value))
        self._connection.execute(
            sa.update(counter).where(counter.c.name == DEFINITIONS).values(value=counter.c.value + 1)
        )
