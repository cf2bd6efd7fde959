# SPDX-License-Identifier: BSD-3-Clause
"""What differs between two versions of a universe, and what the data must be like for the step from one to the other.

A function of two universes. What it gives is carried out by `pachon.registry.migration.universe_upgrade`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

from pachon.dimensions import Column, DimensionElement, DimensionUniverse

__all__ = ["DataCondition", "FillSource", "UniverseChange", "compare_universes", "group_in_new_universe"]

_RENAMED: Final[Mapping[tuple[str, int], Mapping[str, Mapping[str, str]]]] = {
    ("daf_butler", 6): {"exposure": {"group_name": "group"}},
}
"""Columns that have another name from a version on; nothing in the two documents says so."""
_DROPPED: Final[Mapping[tuple[str, int], Mapping[str, frozenset[str]]]] = {
    ("daf_butler", 2): {"visit": frozenset({"visit_system"})},
    ("daf_butler", 6): {"exposure": frozenset({"group_id"})},
}
"""Columns that went with a version and whose values nobody misses: they are elsewhere, or mean nothing."""

_T = TypeVar("_T")
Role = Literal["key", "implied", "alternate", "metadata", "topology"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCondition:
    """What must be true of the stored records of an element (its columns named as they are now)."""

    kind: Literal["empty", "no_nulls", "all_null", "fits", "distinct", "known"]
    element: str
    reason: str
    """Why, as a clause: ``its new key 'x' would have no value``."""
    columns: tuple[str, ...] = ()
    limit: int = 0
    """Largest number of characters or bytes, for ``fits``."""
    dimension: str = ""
    """For ``known``: the dimension of which each must name a record, by the columns ``columns`` in the order of its keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillSource:
    """Where the first records of a new dimension come from: the values that another element's records hold."""

    element: str
    columns: Mapping[str, str]
    """By column of the new dimension's records, the column there (as it is called in the new universe)."""


_MOVED: Final[Mapping[tuple[str, int], Mapping[str, FillSource]]] = {
    ("daf_butler", 2): {
        "visit_system_membership": FillSource(
            element="visit", columns={"instrument": "instrument", "visit": "id", "visit_system": "visit_system"}
        )
    },
}
"""New combinations that hold from a version on what another element's records said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseChange:
    """The step from one universe to another."""

    old: DimensionUniverse
    new: DimensionUniverse
    refusals: list[str] = field(default_factory=list)
    """Why it is impossible, whatever the data."""
    conditions: list[DataCondition] = field(default_factory=list)
    unused: dict[str, str] = field(default_factory=dict)
    """Dimensions that no dataset type may have, and why."""
    added: list[str] = field(default_factory=list)
    """Elements that get a table, parents first."""
    removed: list[str] = field(default_factory=list)
    """Elements whose table goes."""
    rebuilt: list[str] = field(default_factory=list)
    """Elements whose table is made anew, parents first; it is empty, or they are `carried` too."""
    carried: list[str] = field(default_factory=list)
    """Combinations whose records stay, since they name all that identifies them in the new universe."""
    renamed: dict[str, dict[str, str]] = field(default_factory=dict)
    """Old and new names of columns, by element."""
    filled: dict[str, list[FillSource]] = field(default_factory=dict)
    """New elements whose records are made from values that are stored already."""
    lines: list[str] = field(default_factory=list)
    """The change in words."""

    @property
    def new_pixels(self) -> bool:
        """Whether the overlaps of all regions must be computed again."""
        return self.old.common_skypix != self.new.common_skypix


def compare_universes(old: DimensionUniverse, new: DimensionUniverse) -> UniverseChange:
    """Give the step from a universe to another one, with everything that forbids it."""
    change = UniverseChange(old=old, new=new)
    if old.namespace != new.namespace:
        change.refusals.append(f"the namespace is {new.namespace!r} and was {old.namespace!r}")
    elif new.version <= old.version:
        change.refusals.append(
            f"it says version {new.version} and the registry has version {old.version}; a changed universe needs a higher one"
        )
    if change.new_pixels:
        change.lines.append(f"regions are joined through {new.common_skypix}, not {old.common_skypix}")
    rebuilt = _rebuilt(old, new)
    for name in old.elements:
        if name not in new:
            _remove(change, old[name])
    for name in new.elements:
        if name not in old:
            _add(change, new[name])
        elif name in rebuilt:
            _rebuild(change, old[name], new[name], rebuilt)
        else:
            _alter(change, old[name], new[name])
    return change


def group_in_new_universe(
    old: DimensionUniverse, new: DimensionUniverse, names: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Give the names of a group in the new universe; None if other dimensions would identify its data IDs."""
    required = old.conform(names).required
    if any(name not in new.dimensions for name in required):
        return None
    group = new.conform(required)
    return group.names if set(group.required) == set(required) else None


def _rebuilt(old: DimensionUniverse, new: DimensionUniverse) -> set[str]:
    """Give the elements of which records are identified in another way, and all that refer to them."""
    found = {name for name in old.elements if name in new and _identity(old[name]) != _identity(new[name])}
    for element in new.elements.values():  # in an order in which what is referred to comes first
        if element.name in old and not found.isdisjoint((*element.required, *element.implied)):
            found.add(element.name)
    return {name for name in found if old[name].has_table and new[name].has_table}


def _identity(element: DimensionElement) -> tuple[object, ...]:
    key = element.primary_key if element.is_dimension else None
    return frozenset(element.required), key and (key.name, key.type)


def _remove(change: UniverseChange, element: DimensionElement) -> None:
    if not element.is_skypix:
        change.lines.append(f"{element.name} is removed")
    if element.is_dimension:
        change.unused[element.name] = "it is removed"
    if element.has_table:
        change.removed.append(element.name)
        change.conditions.append(DataCondition(kind="empty", element=element.name, reason="it is removed"))


def _add(change: UniverseChange, element: DimensionElement) -> None:
    if element.is_skypix:
        return
    change.lines.append(f"{element.name} is new")
    if element.has_table:
        change.added.append(element.name)
    source = _known(_MOVED, change).get(element.name)
    if source is not None and source.element in change.old:
        change.filled.setdefault(element.name, []).append(source)
        change.lines.append(f"records of {element.name} are made from the values in {source.element}")
    if element.always_join:
        names = ", ".join(element.required)
        change.lines.append(f"data IDs with {names} need a record of {element.name} from now on")


def _rebuild(change: UniverseChange, old: DimensionElement, new: DimensionElement, rebuilt: set[str]) -> None:
    why = "its records are identified in another way, or refer to some that are"
    change.lines.append(f"{new.name}: {why}")
    change.rebuilt.append(new.name)
    if _names_its_new_key(old, new, rebuilt):
        _carry(change, old, new)
        return
    change.conditions.append(DataCondition(kind="empty", element=new.name, reason=why))
    if old.is_dimension:
        change.unused[new.name] = why


def _names_its_new_key(old: DimensionElement, new: DimensionElement, rebuilt: set[str]) -> bool:
    """Tell whether the records of a combination hold all that identifies them in the new universe."""
    if old.is_dimension or new.is_dimension or not rebuilt.isdisjoint((*new.required, *new.implied)):
        return False
    former = {column.name: column for column in old.columns}
    return all(
        former[column.name].type == column.type if column.name in former else column.nullable for column in new.columns
    )


def _carry(change: UniverseChange, old: DimensionElement, new: DimensionElement) -> None:
    change.carried.append(new.name)
    keys = tuple(new.key_name(name) for name in new.required)
    reason = f"{', '.join(keys)} will identify its records"
    change.conditions.append(DataCondition(kind="distinct", element=new.name, columns=keys, reason=reason))
    before, after = {c.name: (c, role) for c, role in _roles(old)}, {column.name: column for column in new.columns}
    for name, (column, role) in before.items():
        if name not in after and role in ("metadata", "topology"):
            reason = f"the values of {name} would be lost"
            change.conditions.append(
                DataCondition(kind="all_null", element=new.name, columns=_stored(name), reason=reason)
            )
        elif name in after and column.nullable and not after[name].nullable:
            reason = f"{name} must not be null"
            change.conditions.append(
                DataCondition(kind="no_nulls", element=new.name, columns=_stored(name), reason=reason)
            )


def _alter(change: UniverseChange, old: DimensionElement, new: DimensionElement) -> None:
    name = new.name
    if _identity(old) != _identity(new) and not (old.is_skypix and new.is_skypix):
        change.unused[name] = "its values are of another type or have another meaning"
    if old.governor != new.governor:
        change.unused[name] = f"it {'becomes' if new.governor else 'is no longer'} a governor"
    if old.has_table and not new.has_table:
        change.removed.append(name)
        change.lines.append(f"{name} has no records of its own any more")
        reason = "its records will follow from those of others"
        change.conditions.append(DataCondition(kind="empty", element=name, reason=reason))
    elif new.has_table and not old.has_table:
        change.added.append(name)
        change.lines.append(f"{name} gets records of its own")
        for other in new_users(change.new, name):
            if other in change.old and name in change.old[other].implied:
                _fill(change, name, other, reason=f"{other} names values of {name}")
    elif new.has_table:
        _alter_columns(change, old, new)


def new_users(universe: DimensionUniverse, name: str) -> list[str]:
    """Give the elements with tables that imply a dimension."""
    return [e.name for e in universe.elements.values() if name in e.implied and e.has_table]


def _alter_columns(change: UniverseChange, old: DimensionElement, new: DimensionElement) -> None:
    renamed = _known(_RENAMED, change).get(new.name, {})
    before = {renamed.get(column.name, column.name): (column, role) for column, role in _roles(old)}
    after = {column.name: (column, role) for column, role in _roles(new)}
    renames = {first: second for first, second in renamed.items() if second in after and second in before}
    if renames:
        change.renamed[new.name] = renames
        change.lines.extend(f"{new.name}.{first} is called {second}" for first, second in renames.items())
    called = {second: first for first, second in renames.items()}
    for name, (column, role) in after.items():
        if name not in before:
            _add_column(change, new.name, column, role)
        else:
            _alter_column(change, new.name, called.get(name, name), before[name], (column, role))
    forgotten = _known(_DROPPED, change).get(new.name, frozenset())
    for name, (_, role) in before.items():
        if name not in after:
            change.lines.append(f"{new.name}.{name} is removed")
            if name not in forgotten:
                kind: Literal["empty", "all_null"] = "empty" if role in ("implied", "alternate") else "all_null"
                reason = f"the values of {name} would be lost"
                change.conditions.append(
                    DataCondition(kind=kind, element=new.name, columns=_stored(called.get(name, name)), reason=reason)
                )


def _add_column(change: UniverseChange, element: str, column: Column, role: Role) -> None:
    change.lines.append(f"{element}.{column.name} is new ({_words(column, role)})")
    if not column.nullable:
        reason = f"its new column {column.name!r} needs a value in each record"
        change.conditions.append(DataCondition(kind="empty", element=element, reason=reason))


def _alter_column(
    change: UniverseChange, element: str, stored: str, before: tuple[Column, Role], after: tuple[Column, Role]
) -> None:
    (old, old_role), (new, role) = before, after
    if old.type != new.type:
        change.lines.append(f"{element}.{new.name} is of type {new.type}, not {old.type}")
        reason = f"values of {new.name} are of another type"
        change.conditions.append(DataCondition(kind="empty", element=element, reason=reason))
        return
    if role == "key" and new.name in change.new.dimensions:
        return  # what is true of the dimension's own column is true of all that refer to it
    size, former = (column.length or column.nbytes or 0 for column in (new, old))
    if size != former:
        change.lines.append(f"{element}.{new.name} holds at most {size} {_unit(new)}, not {former}")
    if size < former:
        reason = f"{new.name} holds at most {size} {_unit(new)}"
        change.conditions.append(
            DataCondition(kind="fits", element=element, columns=(stored,), limit=size, reason=reason)
        )
    if old.nullable and not new.nullable:
        reason = f"{new.name} must not be null"
        change.conditions.append(
            DataCondition(kind="no_nulls", element=element, columns=_stored(stored), reason=reason)
        )
    if role == old_role:
        return
    change.lines.append(f"{element}.{new.name} becomes {_words(new, role)}")
    if role == "alternate":
        keys = tuple(change.old[element].key_name(d) for d in change.old[element].dependencies)
        reason = f"{new.name} identifies a record"
        change.conditions.append(
            DataCondition(kind="distinct", element=element, columns=(*keys, stored), reason=reason)
        )
    elif role == "implied" and new.name in change.old and change.old[new.name].has_table:
        _must_be_known(change, element, stored, new.name)
    elif role == "implied" and new.name not in change.old and change.new[new.name].has_table:
        _fill(change, new.name, element, reason=f"{element} names values of {new.name}")


def _must_be_known(change: UniverseChange, element: str, stored: str, dimension: str) -> None:
    required = change.old[dimension].required
    if any(name != dimension and name not in change.old[element].required for name in required):
        reason = f"it does not name what {dimension} requires"
        change.conditions.append(DataCondition(kind="empty", element=element, reason=reason))
        return
    columns = tuple(stored if name == dimension else change.old[element].key_name(name) for name in required)
    reason = f"its {stored} must name records of {dimension}"
    change.conditions.append(
        DataCondition(kind="known", element=element, columns=columns, dimension=dimension, reason=reason)
    )


def _fill(change: UniverseChange, dimension: str, source: str, *, reason: str) -> None:
    """Have the records of a new dimension made from the values of a column, if these are all that a record needs."""
    target, element = change.new[dimension], change.new[source]
    columns = {
        target.key_name(name): element.key_name(name)
        for name in (*target.required, *target.implied)
        if name in element.required or name in element.implied
    }
    lacking = [column.name for column in target.columns if not column.nullable and column.name not in columns]
    if lacking:
        why = f"{reason}, whose records need {', '.join(lacking)}"
        change.conditions.append(DataCondition(kind="empty", element=source, reason=why))
    else:
        change.filled.setdefault(dimension, []).append(FillSource(element=source, columns=columns))
        change.lines.append(f"records of {dimension} are made from the values in {source}")


def _roles(element: DimensionElement) -> Iterator[tuple[Column, Role]]:
    for column in element.columns:
        role: Role = "metadata"
        if column.type in ("region", "timespan"):
            role = "topology"
        elif column.name in element.implied:
            role = "implied"
        elif column in element.key_columns:
            role = "key"
        elif column in element.alternate_keys:
            role = "alternate"
        yield column, role


def _known(table: Mapping[tuple[str, int], Mapping[str, _T]], change: UniverseChange) -> dict[str, _T]:
    found: dict[str, _T] = {}
    for (namespace, version), elements in table.items():
        if namespace == change.new.namespace and change.old.version < version <= change.new.version:
            found |= elements
    return found


def _stored(column: str) -> tuple[str, ...]:
    return ("timespan_begin", "timespan_end") if column == "timespan" else (column,)


def _unit(column: Column) -> str:
    return "bytes" if column.type == "hash" else "characters"


def _words(column: Column, role: Role) -> str:
    match role:
        case "implied":
            return f"the implied dimension {column.name}"
        case "alternate":
            return "an alternate key"
        case _:
            return f"a column of type {column.type}"
