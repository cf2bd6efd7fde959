# SPDX-License-Identifier: BSD-3-Clause
"""From a universe's definitions to its ordered, closed elements: checks, order, dependencies."""

from __future__ import annotations

from collections.abc import Mapping

from pachon.base import FormatError, closest
from pachon.dimensions.column import Column
from pachon.dimensions.document import ElementDefinition, UniverseDefinition
from pachon.dimensions.element import DimensionElement

__all__ = ["resolve_elements"]


def resolve_elements(definition: UniverseDefinition) -> dict[str, DimensionElement]:
    """Give all elements by name, in universe order, with closed dependencies.

    Raises
    ------
    FormatError
        If a definition breaks a rule; the message names the element.
    """
    _check_names(definition)
    for element in definition.elements.values():
        _check_element(element, definition)
    _check_topology(definition)
    order = _order(definition)
    closed = {name: _closed_requires(name, definition.elements) for name in definition.elements}
    spatial = _family_of(definition.spatial)
    temporal = _family_of(definition.temporal)
    position = {name: index for index, name in enumerate(order)}
    elements: dict[str, DimensionElement] = {}
    skypix = {system.dimension(level): (system, level) for system in definition.skypix for level in system.levels}
    for index, name in enumerate(order):
        if name in skypix:
            system, level = skypix[name]
            key = Column(name="id", type="int", nullable=False, doc="Pixel number.")
            elements[name] = DimensionElement(
                name=name, index=index, required=(name,), implied=(), keys=(key,), metadata=(),
                spatial=system.name, skypix_system=system.name, skypix_level=level, key_columns=(key,),
                doc=f"Level {level} of the {system.scheme} pixelization of the sky.",
            )  # fmt: skip
            continue
        item = definition.elements[name]
        required = tuple(sorted(closed[name] | ({name} if item.keys else set()), key=position.__getitem__))
        implied = tuple(sorted(item.implies, key=position.__getitem__))
        elements[name] = DimensionElement(
            name=name, index=index, required=required, implied=implied, keys=item.keys,
            metadata=item.metadata, doc=item.doc, governor=item.governor, cached=item.cached,
            implied_union_target=item.implied_union_target, always_join=item.always_join,
            populated_by=item.populated_by, spatial=spatial.get(name), temporal=temporal.get(name),
            key_columns=_key_columns(item, required, implied, definition),
        )  # fmt: skip
    return elements


def _key_columns(
    item: ElementDefinition,
    required: tuple[str, ...],
    implied: tuple[str, ...],
    definition: UniverseDefinition,
) -> tuple[Column, ...]:
    def foreign(name: str) -> Column:
        key = definition.elements[name].keys[0] if name in definition.elements else None
        return Column(
            name=name,
            type=key.type if key else "int",
            length=key.length if key else None,
            nullable=False,
            doc=f"Primary key of {name}.",
        )

    own = item.keys[:1]
    return (*(foreign(n) for n in required if n != item.name), *own, *(foreign(n) for n in implied))


def _check_names(definition: UniverseDefinition) -> None:
    """Names differ by more than case: SQLite takes tables whose names do not for one."""
    pixels = [system.dimension(level) for system in definition.skypix for level in system.levels]
    seen: dict[str, str] = {}
    for name in (*pixels, *definition.elements):
        other = seen.setdefault(name.lower(), name)
        if other is not name:
            raise FormatError(
                f"Dimension element {name!r}: {other!r} is there already; names differ by more than case."
            )


def _check_element(item: ElementDefinition, definition: UniverseDefinition) -> None:
    name = item.name

    def refuse(why: str) -> None:
        raise FormatError(f"Dimension element {name!r}: {why}.")

    known = [*definition.elements, *(s.dimension(lv) for s in definition.skypix for lv in s.levels)]
    for dependency in (*item.requires, *item.implies):
        if dependency not in known:
            refuse(f"depends on {dependency!r}, which does not exist.{closest(dependency, known)}".rstrip("."))
        if dependency in definition.elements and not definition.elements[dependency].keys:
            refuse(f"depends on {dependency!r}, which is a combination and not a dimension")
    if item.keys and item.keys[0].type not in ("int", "string"):
        refuse(f"the primary key must be an int or a string, not {item.keys[0].type}")
    if item.governor and (not item.keys or item.keys[0].type != "string"):
        refuse("a governor needs a string as its primary key")
    if item.governor and (item.requires or item.implies):
        refuse("a governor cannot depend on other dimensions")
    if not item.keys and not item.requires:
        refuse("an element without keys is a combination and needs 'requires'")
    if item.keys and (item.always_join or item.populated_by):
        refuse("'always_join' and 'populated_by' are for combinations only")
    if item.populated_by is not None and item.populated_by not in _closed_requires(name, definition.elements):
        refuse(f"is populated by {item.populated_by!r}, which it does not require")
    for both in sorted(_closed_requires(name, definition.elements) & set(item.implies)):
        refuse(f"implies {both!r}, which it requires already; leave it out of 'implies'")
    others = [n for n in (*_closed_requires(name, definition.elements), *item.implies) if n != name]
    columns = [n.lower() for n in (*(c.name for c in (*item.keys, *item.metadata)), *others)]
    for column in dict.fromkeys(columns):
        if columns.count(column) > 1:
            what = "is the name of a dimension that it requires or implies" if column in others else "is listed twice"
            refuse(f"column {column!r} {what}")
    target = item.implied_union_target
    if target is not None:
        if item.requires or item.implies or len(item.keys) > 1 or item.metadata:
            refuse("an implied union has neither dependencies, alternate keys nor metadata")
        if target not in definition.elements or name not in definition.elements[target].implies:
            refuse(f"is the union of {target!r}, which does not imply it")


def _check_topology(definition: UniverseDefinition) -> None:
    for kind, families in (("spatial", definition.spatial), ("temporal", definition.temporal)):
        seen: dict[str, str] = {}
        for family, members in families.items():
            if kind == "spatial" and any(family == system.name for system in definition.skypix):
                raise FormatError(f"The spatial family {family!r} has the name of a pixelization; give it another.")
            if not members:
                raise FormatError(f"The {kind} family {family!r} has no members; name one, or leave it out.")
            for member in members:
                if member not in definition.elements:
                    hint = closest(member, definition.elements)
                    raise FormatError(f"The {kind} family {family!r} names {member!r}, which does not exist.{hint}")
                if definition.elements[member].implied_union_target is not None:
                    raise FormatError(f"{member!r} is in the {kind} family {family!r}, but has no records of its own.")
                if member in seen:
                    raise FormatError(f"{member!r} is in the {kind} families {seen[member]!r} and {family!r}.")
                seen[member] = family


def _family_of(families: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {member: family for family, members in families.items() for member in members}


def _closed_requires(name: str, elements: Mapping[str, ElementDefinition]) -> set[str]:
    closed: set[str] = set()
    pending = list(elements[name].requires)
    while pending:
        dependency = pending.pop()
        if dependency not in closed:
            closed.add(dependency)
            if dependency in elements:
                pending.extend(elements[dependency].requires)
    return closed


def _order(definition: UniverseDefinition) -> list[str]:
    """Sort elements so that each follows what it depends on, in alphabetic rounds.

    An item that becomes ready in a round waits for the next one (a rule of the file
    format: the order is visible in exports and record layouts).
    """
    systems = {system.name: system for system in definition.skypix}
    by_dimension = {s.dimension(lv): s.name for s in definition.skypix for lv in s.levels}
    waiting: dict[str, set[str]] = {name: set() for name in systems}
    for name, item in definition.elements.items():
        waiting[name] = {by_dimension.get(d, d) for d in (*item.requires, *item.implies)}
    order: list[str] = []
    while waiting:
        ready = sorted(name for name, needs in waiting.items() if not needs & waiting.keys())
        if not ready:
            raise FormatError(f"Dimension elements depend on each other: {' -> '.join(_cycle(waiting))}.")
        for name in ready:
            del waiting[name]
            system = systems.get(name)
            order.extend([name] if system is None else [system.dimension(level) for level in system.levels])
    return order


def _cycle(waiting: Mapping[str, set[str]]) -> list[str]:
    path = [min(waiting)]
    while True:
        step = min(waiting[path[-1]] & waiting.keys())
        if step in path:
            return [*path[path.index(step) :], step]
        path.append(step)
