# SPDX-License-Identifier: BSD-3-Clause
"""Random queries of a random repository: most of them make sense, and find some of what there is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pachon.datasets import CollectionType
from pachon.dimensions import DimensionGroup, DimensionUniverse, Timespan
from pachon.dimensions.timespan import iso_from_ns
from pachon.registry.testing.random_world import HOUR, START, World

__all__ = ["AskedQuery", "random_queries", "random_where"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuery:
    """A query as plain values."""

    kind: str
    """``data_ids``, ``datasets`` or ``records``."""
    dimensions: tuple[str, ...] = ()
    """Of the data IDs."""
    element: str | None = None
    dataset_type: str | None = None
    collections: tuple[str, ...] = ()
    find_first: bool = True
    searches: tuple[tuple[str, tuple[str, ...]], ...] = ()
    where: str = ""
    bind: dict[str, Any] = field(default_factory=dict)
    """Numbers, text and lists of them; a pair of nanoseconds under ``timespan``, one under ``time``."""

    def document(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        return {name: getattr(self, name) for name in self.__slots__}

    def bound(self) -> dict[str, Any]:
        """Give the bound values as pachon takes them."""
        return {
            name: Timespan.from_ns(*value["timespan"]) if isinstance(value, dict) else value
            for name, value in self.bind.items()
        }


def random_queries(rng: random.Random, world: World) -> Iterator[AskedQuery]:
    """Give queries without end."""
    while True:
        yield _Maker(rng, world).query()


def random_where(
    rng: random.Random, world: World, dimensions: DimensionGroup, dataset_types: Sequence[str] = ()
) -> tuple[str, dict[str, Any]]:
    """Give an expression over some dimensions and dataset types, and the values of its binds."""
    maker = _Maker(rng, world)
    return maker.where(dimensions, dataset_types), maker.bind


class _Maker:
    """One query as it is made up."""

    def __init__(self, rng: random.Random, world: World) -> None:
        self._rng = rng
        self._world = world
        self.bind: dict[str, Any] = {}

    @property
    def _universe(self) -> DimensionUniverse:
        return self._world.universe

    def query(self) -> AskedQuery:
        kind = self._rng.choice(["data_ids", "data_ids", "datasets", "datasets", "records"])
        if kind == "datasets":
            return self._datasets()
        if self._rng.random() < 0.4 and any(self._world.types.values()):
            return self._with_datasets(kind)
        if kind == "data_ids" and self._rng.random() < 0.4 and self._timed and self._calibrations:
            return self._with_calibrations()
        if kind == "records":
            element = self._rng.choice([e for e in self._universe.elements.values() if not e.is_skypix])
            group = self._universe.group_of(element)
            return AskedQuery(kind=kind, element=element.name, where=self.where(group, ()), bind=self.bind)
        names = [n for n, element in self._universe.dimensions.items() if not element.is_skypix]
        if self._rng.random() < 0.15:
            names.append(self._universe.common_skypix)
        chosen = self._rng.sample(names, self._rng.choice([1, 1, 2, 2, 3]))
        names = self._rng.sample(list(self._world.types), self._rng.choice([0, 0, 1, 1, 2]))
        searches = [(name, self._collections()) for name in names]
        group = self._universe.conform(chosen)
        where = self.where(group, [name for name, _ in searches])
        return AskedQuery(kind=kind, dimensions=tuple(chosen), searches=tuple(searches), where=where, bind=self.bind)

    def _with_datasets(self, kind: str) -> AskedQuery:
        """Ask for some of the dimensions of datasets of which nothing is shown; conditions may be on the others."""
        name = self._rng.choice([name for name, dimensions in self._world.types.items() if dimensions])
        own = self._universe.conform(self._world.types[name])
        others = [other for other in self._world.types if other != name]
        if self._rng.random() < 0.7:
            # Those that must agree in something.
            governors = self._universe.governors
            shared = {other: set(self._world.types[other]) & set(own.names) for other in others}
            others = [other for other in others if any(d not in governors for d in shared[other])]
        joined = [name, *self._rng.sample(others, min(len(others), self._rng.choice([0, 0, 1, 1, 2])))]
        searches = tuple((other, self._collections_with(other)) for other in joined)
        chosen = self._rng.sample(own.ordered, min(len(own.ordered), self._rng.choice([1, 1, 1, 2])))
        element = chosen[0] if kind == "records" else None
        group = self._universe.conform(own.names if self._rng.random() < 0.7 else chosen)
        where = "" if self._rng.random() < 0.3 else self.where(group, joined)
        dimensions = () if element is not None else tuple(chosen)
        return AskedQuery(
            kind=kind, dimensions=dimensions, element=element, searches=searches, where=where, bind=self.bind
        )

    @property
    def _timed(self) -> list[str]:
        return [name for name, element in self._universe.dimensions.items() if element.temporal is not None]

    @property
    def _calibrations(self) -> list[str]:
        return [name for name in self._world.types if name.startswith("c_")]

    def _with_calibrations(self) -> AskedQuery:
        """Ask for what has a time and calibrations that are valid then, perhaps with their own dimensions, or other datasets."""
        name = self._rng.choice(self._calibrations)
        own = self._universe.conform(self._world.types[name])
        chosen = [self._rng.choice(self._timed), *(own.names if self._rng.random() < 0.6 else ())]
        others = [other for other in self._world.types if other != name]
        joined = [name, *self._rng.sample(others, min(len(others), self._rng.choice([0, 0, 0, 1])))]
        self._rng.shuffle(joined)
        searches = tuple((other, self._collections_with(other)) for other in joined)
        group = self._universe.conform(chosen)
        where = "" if self._rng.random() < 0.4 else self.where(group, joined if self._rng.random() < 0.3 else ())
        return AskedQuery(kind="data_ids", dimensions=tuple(chosen), searches=searches, where=where, bind=self.bind)

    def _datasets(self) -> AskedQuery:
        name = self._rng.choice(list(self._world.types))
        find_first = self._rng.random() < 0.5
        group = self._universe.conform(self._world.types[name])
        where = ""
        if name in self._calibrations and self._timed and self._rng.random() < 0.4:
            # Those that are valid at the time of something.
            when = self._rng.choice(self._timed)
            group = self._universe.conform([*group.names, when])
            where = " AND ".join(f"{d} = {_quoted(self._some_key(d))}" for d in (*group.governors, when))
            where += " AND " if self._rng.random() < 0.3 else ""
        if not where or where.endswith(" AND "):
            where += self.where(group, [name]) or "1 = 1"
        return AskedQuery(
            kind="datasets",
            dataset_type=name,
            collections=self._collections_with(name),
            find_first=find_first,
            where=where,
            bind=self.bind,
        )

    def _collections(self) -> tuple[str, ...]:
        names = list(self._world.collections)
        if self._rng.random() < 0.6:
            kept = [
                n
                for n in names
                if self._world.collections[n] is not CollectionType.CALIBRATION and n not in ("chain1", "chain2")
            ]
            names = kept or names
        return tuple(self._rng.sample(names, min(len(names), self._rng.choice([1, 1, 2, 3]))))

    def _collections_with(self, dataset_type: str) -> tuple[str, ...]:
        """Give collections of which most have datasets of a type, or any."""
        having = {d.run for d in self._world.datasets if d.dataset_type == dataset_type}
        having |= {p.collection for p in self._world.placements if p.dataset.dataset_type == dataset_type}
        if not having or self._rng.random() < 0.4:
            return self._collections()
        return tuple(self._rng.sample(sorted(having), min(len(having), self._rng.choice([1, 1, 2]))))

    # Expressions.

    def where(self, group: DimensionGroup, dataset_types: Sequence[str]) -> str:
        if self._rng.random() < 0.1:
            return ""
        terms = [f"{g} = {_quoted(self._some_key(g))}" for g in group.governors if self._rng.random() < 0.6]
        terms += [self._condition(group, dataset_types, 2) for _ in range(self._rng.choice([0, 1, 1, 2, 3]))]
        return " AND ".join(terms)

    def _condition(self, group: DimensionGroup, dataset_types: Sequence[str], depth: int) -> str:
        chance = self._rng.random()
        if depth and chance < 0.25:
            word = self._rng.choice([" AND ", " OR "])
            return f"({word.join(self._condition(group, dataset_types, depth - 1) for _ in range(2))})"
        if depth and chance < 0.35:
            return f"NOT ({self._condition(group, dataset_types, depth - 1)})"
        return self._term(group, dataset_types)

    def _term(self, group: DimensionGroup, dataset_types: Sequence[str]) -> str:
        makers: list[Callable[[], str]] = []
        names = [n for n in group.names if not self._universe[n].is_skypix]
        if self._rng.random() < 0.15:
            # Something outside of the query's dimensions, which is joined.
            names = [n for n, element in self._universe.dimensions.items() if not element.is_skypix]
        if names:
            name = self._rng.choice(names)
            makers += [lambda: self._of_key(name)] * 2
            element = self._universe[name]
            for column in element.columns:
                if column.name in {element.key_name(d) for d in (*element.required, *element.implied)}:
                    continue
                makers.append(lambda column=column: self._of_field(f"{name}.{column.name}", column.type, name))  # type: ignore[misc]
        for dataset_type in dataset_types:
            makers.append(lambda dataset_type=dataset_type: self._of_dataset(dataset_type))  # type: ignore[misc]
        makers += [lambda: self._of_two_columns(group, dataset_types)] * 2
        makers.append(lambda: self._rng.choice(["1 = 1", "2 + 3 * 4 = 14", "7 % 4 > 5", "-7 % 3 = -1"]))
        return self._rng.choice(makers)()

    def _of_key(self, name: str) -> str:
        if self._universe[name].primary_key.type == "int":
            return self._of_number(name, [self._some_key(name), self._some_key(name), 2])
        return self._of_text(name, [str(self._some_key(name)), str(self._some_key(name))])

    def _some_key(self, name: str) -> Any:
        element = self._universe[name]
        if element.implied_union_target is not None:
            return self._rng.choice("gry")
        column = element.primary_key.name
        return self._rng.choice([row[column] for row in self._world.records[name]] or [1])

    def _of_field(self, shown: str, kind: str, element: str) -> str:
        column = shown.rpartition(".")[2]
        known = [row[column] for row in self._world.records.get(element, ()) if row.get(column) is not None]
        if kind != "hash" and self._rng.random() < 0.15:
            return f"{shown} {self._rng.choice(['=', '!='])} NULL"
        match kind:
            case "int":
                return self._of_number(shown, [*known, 1])
            case "float":
                return self._of_float(shown, [*known, 0.5])
            case "bool":
                return shown
            case "string":
                return self._of_text(shown, [*known, "a"])
            case "region":
                return self._of_region(shown)
            case "timespan":
                return self._of_span(shown)
            case _:
                return f"{shown} != NULL"

    def _of_number(self, shown: str, values: Sequence[Any]) -> str:
        value = self._rng.choice(list(values))
        operator = self._rng.choice(["=", "!=", "<", "<=", ">", ">="])
        match self._rng.randint(0, 5):
            case 0:
                return f"{shown} IN ({value}, {self._rng.choice(list(values))})"
            case 1:
                low = int(value) - self._rng.randint(0, 3)
                return f"{shown} {self._rng.choice(['', 'NOT '])}IN ({low}..{int(value) + 2}:{self._rng.randint(1, 3)})"
            case 2:
                return f"{shown} {self._rng.choice('+-*')} 2 {operator} {value}"
            case 3:
                return f"{shown} % 3 = {self._rng.randint(-2, 2)}"
            case 4:
                bind = self._bound([value, 2])
                return f"{shown} IN (:{bind})"
            case _:
                return f"{shown} {operator} {value}"

    def _of_float(self, shown: str, values: Sequence[Any]) -> str:
        value = self._rng.choice(list(values))
        operator = self._rng.choice(["=", "!=", "<", "<=", ">", ">="])
        match self._rng.randint(0, 3):
            case 0:
                return f"{shown} IN ({value}, 1)"
            case 1:
                return f"{shown} * 2.0 {operator} {value}"
            case 2:
                return f"-{shown} {operator} :{self._bound(value)}"
            case _:
                return f"{shown} {operator} {value}"

    def _of_text(self, shown: str, values: Sequence[str]) -> str:
        value = self._rng.choice(list(values))
        operator = self._rng.choice(["=", "!=", "<", "<=", ">", ">="])
        match self._rng.randint(0, 4):
            case 0:
                return f"{shown} IN ({_quoted(value)}, 'b')"
            case 1:
                return f"GLOB({shown}, {_quoted(value[:1] + '*')})"
            case 2:
                return f"NOT GLOB({shown}, '?{value[1:] if '*' not in value else ''}')"
            case 3:
                return f"{shown} NOT IN (NULL, :{self._bound(value)})"
            case _:
                return f"{shown} {operator} {_quoted(value)}"

    def _of_region(self, shown: str) -> str:
        ra, dec = self._rng.uniform(0, 4), self._rng.uniform(-2, 2)
        size = self._rng.uniform(0.05, 2)
        region = self._rng.choice(
            [
                f"POINT({ra:.3f}, {dec:.3f})",
                f"REGION('CIRCLE {ra:.3f} {dec:.3f} {size:.3f}')",
                f"BOX({ra:.3f}, {dec:.3f}, {size:.3f}, {size:.3f})",
                f"POLYGON({ra:.2f}, {dec:.2f}, {ra + size:.2f}, {dec:.2f}, {ra:.2f}, {dec + size:.2f})",
            ]
        )
        return f"{shown} OVERLAPS {region}" if self._rng.random() < 0.7 else f"{region} OVERLAPS {shown}"

    def _of_span(self, shown: str) -> str:
        begin = self._rng.randint(0, 50)
        end = begin + self._rng.randint(0, 12)
        match self._rng.randint(0, 4):
            case 0:
                operator = self._rng.choice(["<", "<=", ">", ">=", "=", "!="])
                return f"{shown}.{self._rng.choice(['begin', 'end'])} {operator} {_time(begin)}"
            case 1:
                return f"{shown} OVERLAPS {_time(begin)}"
            case 2:
                return f"{shown} OVERLAPS ({_time(begin)}, {_time(end + 1)})"
            case 3:
                return f"{shown} OVERLAPS (NULL, {_time(begin)})"
            case _:
                return (
                    f"{shown} OVERLAPS :{self._bound({'timespan': [START + begin * HOUR, START + (end + 1) * HOUR]})}"
                )

    def _of_dataset(self, name: str) -> str:
        known = [d for d in self._world.datasets if d.dataset_type == name]
        match self._rng.randint(0, 4):
            case 0:
                return (
                    f"{name}.run {self._rng.choice(['=', '!='])} '{self._rng.choice(known).run if known else 'run0'}'"
                )
            case 1 if known:
                return f"{name}.dataset_id = UUID('{self._rng.choice(known).id}')"
            case 2:
                return f"{name}.collection IN ('run0', 'tag', 'calib0')"
            case 3:
                return f"{name}.timespan OVERLAPS {_time(self._rng.randint(0, 50))}"
            case _:
                return f"{name}.ingest_date > T'2020-01-01'"

    def _of_two_columns(self, group: DimensionGroup, dataset_types: Sequence[str]) -> str:
        """Compare columns of one type, or let regions or time spans of two families overlap; some names stand alone."""
        elements = [self._universe[n] for n in group.elements]
        if self._rng.random() < 0.3:
            spans = [f"{e.name}.timespan" for e in elements if e.temporal] + [f"{t}.timespan" for t in dataset_types]
            areas = [f"{e.name}.region" for e in elements if e.spatial]
            columns = self._rng.choice([spans, areas])
            if len(columns) > 1:
                return " OVERLAPS ".join(self._rng.sample(columns, 2))
        kind = self._rng.choice(["int", "float", "string", "timespan"])
        names = [
            (c.name if self._rng.random() < 0.3 else f"{e.name}.{c.name}")
            for e in elements
            for c in e.columns
            if c.type == kind
        ]
        if kind == "timespan":
            names = [f"{name}.{bound}" for name in names for bound in ("begin", "end")]
        if not names:
            return "1 = 1"
        left, right = self._rng.choice(names), self._rng.choice(names)
        operators = ["=", "!=", "<", "<=", ">", ">="]
        return f"{left} {self._rng.choice(operators)} {right}"

    def _bound(self, value: Any) -> str:
        name = f"b{len(self.bind)}"
        self.bind[name] = value
        return name


def _quoted(text: str) -> str:
    return f"'{text}'"


def _time(hour: int) -> str:
    return f"T'{iso_from_ns(START + hour * HOUR).replace('T', ' ')}/tai'"
