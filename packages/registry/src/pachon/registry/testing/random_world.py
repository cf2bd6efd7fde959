# SPDX-License-Identifier: BSD-3-Clause
"""Small random repositories of any universe: records, dataset types, collections and datasets as plain values."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lsst.sphgeom import Angle, Circle, LonLat, UnitVector3d

from pachon.datasets import CollectionType, DatasetRef, DatasetType
from pachon.dimensions import Column, DimensionElement, DimensionGroup, DimensionUniverse, Timespan
from pachon.dimensions.region import polygon
from pachon.dimensions.timespan import MAX_NS
from pachon.registry.sql_registry import SqlRegistry

__all__ = ["Placement", "World", "WorldDataset", "random_world", "read_world"]

HOUR = 3_600_000_000_000
START = 1_630_454_400_000_000_000
"""2021-09-01 00:00:00 TAI."""
WORDS = ("a", "b", "Ab", "x_y", "x%", "a*", "[q]", "Ö")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldDataset:
    """A dataset; its data ID has the required dimensions of its type."""

    id: uuid.UUID
    dataset_type: str
    run: str
    data_id: Mapping[str, int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A dataset in a TAGGED collection, or with a validity range in a CALIBRATION collection."""

    dataset: WorldDataset
    collection: str
    bounds: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The content of a repository; time spans are pairs of nanoseconds, regions the bytes of their stored form."""

    universe: DimensionUniverse
    records: Mapping[str, Sequence[Row]]
    """By element, in an order in which they can be inserted; all fields are given."""
    types: Mapping[str, tuple[str, ...]]
    """Required and other dimensions of each dataset type."""
    calibrations: frozenset[str]
    """Names of the dataset types of calibrations."""
    collections: Mapping[str, CollectionType]
    chains: Mapping[str, tuple[str, ...]]
    datasets: Sequence[WorldDataset]
    placements: Sequence[Placement] = field(default=())

    def fill(self, registry: SqlRegistry) -> None:
        """Write all into an empty registry of the universe."""
        with registry.write():
            for element, rows in self.records.items():
                registry.dimension_records.insert(element, [_as_record(row) for row in rows])
            types = {name: self.dataset_type(name) for name in self.types}
            for dataset_type in types.values():
                registry.dataset_types.register(dataset_type)
            for name, kind in self.collections.items():
                registry.collections.register(name, kind)
            for name, children in self.chains.items():
                registry.collections.set_chain(name, children)
            refs = {d.id: DatasetRef(types[d.dataset_type], d.data_id, d.run, id=d.id) for d in self.datasets}
            registry.datasets.import_(refs.values())
            for placement in self.placements:
                ref = refs[placement.dataset.id]
                if placement.bounds is None:
                    registry.collections.associate(placement.collection, [ref])
                else:
                    registry.collections.certify(placement.collection, [ref], Timespan.from_ns(*placement.bounds))

    def dataset_type(self, name: str) -> DatasetType:
        """Give a dataset type."""
        calibration = name in self.calibrations
        return DatasetType(name, self.types[name], "int", universe=self.universe, is_calibration=calibration)

    def flattened(self, collections: Sequence[str]) -> tuple[str, ...]:
        """Expand chains, depth first, each collection once."""
        found: dict[str, None] = {}
        for name in collections:
            children = self.flattened(self.chains[name]) if name in self.chains else (name,)
            found.update(dict.fromkeys(children))
        return tuple(found)

    def document(self) -> dict[str, Any]:
        """Give all as JSON holds it: bytes as hexadecimal text."""
        return {
            "records": {name: [_as_json(row) for row in rows] for name, rows in self.records.items()},
            "types": {name: list(dimensions) for name, dimensions in self.types.items()},
            "calibrations": sorted(self.calibrations),
            "collections": {name: kind.name for name, kind in self.collections.items()},
            "chains": {name: list(children) for name, children in self.chains.items()},
            "datasets": [[str(d.id), d.dataset_type, d.run, dict(d.data_id)] for d in self.datasets],
            "placements": [
                [str(p.dataset.id), p.collection, None if p.bounds is None else list(p.bounds)] for p in self.placements
            ],
        }


def read_world(registry: SqlRegistry) -> World:
    """Give the content of a registry."""
    universe = registry.universe
    records = {}
    for element in universe.elements.values():
        if element.has_table and not element.is_skypix:
            found = registry.dimension_records.fetch(element.name)
            records[element.name] = [_as_row(record.as_stored()) for record in found]
    collections = {n: i.type for n, i in registry.collections.find(registry.collections.query("*")).items()}
    children = {n: i.children for n, i in registry.collections.find(collections).items() if i.children}
    types = registry.dataset_types.query("*")
    datasets: dict[uuid.UUID, WorldDataset] = {}
    placements = []
    for dataset_type in types:
        for name, kind in collections.items():
            if kind is CollectionType.CHAINED:
                continue
            table = registry.datasets.fetch_validity(dataset_type, name)
            for number, ref in enumerate(table.datasets):
                dataset = datasets.setdefault(
                    ref.id,
                    WorldDataset(
                        id=ref.id,
                        dataset_type=ref.dataset_type.name,
                        run=ref.run,
                        data_id=ref.data_id.required,
                    ),
                )
                span = (int(table.begin_ns[number]), int(table.end_ns[number]))
                bounds = span if kind is CollectionType.CALIBRATION else None
                if kind is not CollectionType.RUN:
                    placements.append(Placement(dataset=dataset, collection=name, bounds=bounds))
    return World(
        universe=universe,
        records=records,
        types={item.name: item.dimensions.ordered for item in types},
        calibrations=frozenset(item.name for item in types if item.is_calibration),
        collections=collections,
        chains=children,
        datasets=list(datasets.values()),
        placements=placements,
    )


def _as_row(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {n: (v.begin_ns, v.end_ns) if isinstance(v, Timespan) else v for n, v in stored.items()}


def _as_record(row: Row) -> dict[str, Any]:
    span = row.get("timespan")
    return {**row, "timespan": Timespan.from_ns(*span)} if span is not None else dict(row)


def _as_json(row: Row) -> dict[str, Any]:
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}


def random_world(
    rng: random.Random, universe: DimensionUniverse, types: Mapping[str, Sequence[str]] | None = None
) -> World:
    """Make up a repository of a few dozen records and datasets.

    Parameters
    ----------
    rng
        Where chance comes from.
    universe
        Any.
    types
        Dimensions of the dataset types, by name; some of the universe's if they are not given. Names of types of calibrations
        begin with ``c_``.
    """
    records = _Records(rng, universe)
    for element in universe.elements.values():
        if element.has_table:
            records.add(element)
    if types is None:
        types = _random_types(rng, universe)
    closed = {name: universe.conform(dimensions).ordered for name, dimensions in types.items()}
    kinds = {
        **{f"run{i}": CollectionType.RUN for i in range(3)},
        "tag": CollectionType.TAGGED,
        **{f"calib{i}": CollectionType.CALIBRATION for i in range(2)},
        **{f"chain{i}": CollectionType.CHAINED for i in range(3)},
    }
    datasets = [
        WorldDataset(id=uuid.UUID(int=rng.getrandbits(128), version=4), dataset_type=name, run=f"run{i}", data_id=key)
        for name in closed
        for key in records.data_ids(universe.conform(closed[name]).required)
        for i in range(3)
        if rng.random() < 0.5
    ]
    return World(
        universe=universe,
        records=records.rows,
        types=closed,
        calibrations=frozenset(name for name in closed if name.startswith("c_")),
        collections=kinds,
        chains={
            "chain0": ("tag", "run1", "run0"),
            "chain1": ("calib1", "chain0", "calib0"),
            "chain2": ("run2", "chain0", "chain1"),
        },
        datasets=datasets,
        placements=[*_tags(rng, datasets), *_certifications(rng, datasets)],
    )


def _random_types(rng: random.Random, universe: DimensionUniverse) -> dict[str, list[str]]:
    names = [n for n, element in universe.dimensions.items() if not element.is_skypix]
    found = {f"d{i}": rng.sample(names, rng.randint(1, min(2, len(names)))) for i in range(2)}
    found |= {"c_0": rng.sample(names, 1), "e": []}
    return {name: dimensions for name, dimensions in found.items() if _is_plain(universe.conform(dimensions))}


def _is_plain(group: DimensionGroup) -> bool:
    """Whether the required values name all that the required dimensions require: none of that is merely implied."""
    return all(set(group.universe[name].required) <= set(group.required) for name in group.required)


def _tags(rng: random.Random, datasets: Sequence[WorldDataset]) -> Iterator[Placement]:
    taken: set[Any] = set()
    for dataset in datasets:
        key = (dataset.dataset_type, *sorted(dataset.data_id.items()))
        if rng.random() < 0.3 and key not in taken:
            taken.add(key)
            yield Placement(dataset=dataset, collection="tag")


def _certifications(rng: random.Random, datasets: Sequence[WorldDataset]) -> Iterator[Placement]:
    taken: dict[Any, list[tuple[int, int]]] = {}
    for dataset in datasets:
        if not dataset.dataset_type.startswith("c_"):
            continue
        for collection in ("calib0", "calib0", "calib1", "calib1"):
            if rng.random() < 0.5:
                continue
            begin, end = sorted(rng.sample(range(0, 60, 2), 2))
            bounds = (
                0 if rng.random() < 0.2 else START + begin * HOUR,
                MAX_NS if rng.random() < 0.2 else START + end * HOUR,
            )
            others = taken.setdefault((collection, dataset.dataset_type, *sorted(dataset.data_id.items())), [])
            if all(bounds[1] <= b or e <= bounds[0] for b, e in others):
                others.append(bounds)
                yield Placement(dataset=dataset, collection=collection, bounds=bounds)


class _Records:
    """Records that refer to each other, as they are made up."""

    def __init__(self, rng: random.Random, universe: DimensionUniverse) -> None:
        self._rng = rng
        self._universe = universe
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def add(self, element: DimensionElement) -> None:
        """Make up the records of an element of which all others that it needs have records."""
        rows = self.rows[element.name] = []
        parents = self.data_ids(element.dependencies)
        for parent in parents:
            if not element.is_dimension:
                if self._rng.random() < 0.6:
                    rows.append(self._row(element, parent, 0))
                continue
            count = self._rng.randint(1, 2 if len(parents) > 4 else 3)
            rows.extend(self._row(element, parent, number) for number in range(count))

    def data_ids(self, dimensions: Sequence[str]) -> list[dict[str, int | str]]:
        """Give all values of required dimensions of which records exist, each with those that it requires."""
        found: list[dict[str, int | str]] = [{}]
        for name in dimensions:
            element = self._universe[name]
            found = [
                {**known, name: key[name]}
                for known in found
                for key in self._keys(element)
                if all(known.get(other, value) == value for other, value in key.items())
            ]
        return found

    def _keys(self, element: DimensionElement) -> list[dict[str, Any]]:
        if element.is_skypix:
            # Where the regions are, so that some overlap.
            around = Circle(UnitVector3d(LonLat.fromDegrees(2, 0)), Angle.fromDegrees(1.5))
            first = self._universe.pixelization(element.name).envelope(around)[0][0]
            return [{element.name: first + i} for i in range(3)]
        if element.implied_union_target is not None:
            values = {row[element.name] for row in self.rows.get(element.implied_union_target, ())}
            return [{element.name: value} for value in sorted(values)]
        return [{name: row[element.key_name(name)] for name in element.required} for row in self.rows[element.name]]

    def _row(self, element: DimensionElement, parent: Mapping[str, Any], number: int) -> dict[str, Any]:
        row: dict[str, Any] = dict(parent)
        if element.is_dimension:
            row[element.primary_key.name] = self._key(element, number)
        for implied in element.implied:
            row[implied] = self._implied(self._universe[implied], row)
        for key in element.alternate_keys:
            row[key.name] = self._unique(key, number)
        for column in element.metadata:
            row[column.name] = self._value(column)
        if element.spatial is not None:
            row["region"] = self._region()
        if element.temporal is not None:
            row["timespan"] = self._span()
        return row

    def _key(self, element: DimensionElement, number: int) -> int | str:
        if element.primary_key.type == "int":
            return 3 * number + 1
        return f"{element.name[:4]}{'AbC'[number]}"

    def _implied(self, element: DimensionElement, row: Mapping[str, Any]) -> int | str:
        if element.implied_union_target is not None:
            return self._rng.choice("gry")
        keys = [
            key for key in self._keys(element) if all(row.get(o, v) == v for o, v in key.items() if o != element.name)
        ]
        value: int | str = self._rng.choice(keys)[element.name]
        return value

    def _unique(self, column: Column, number: int) -> Any:
        match column.type:
            case "int":
                return 10 + number
            case "hash":
                return bytes([number]) * min(column.nbytes or 1, 4)
            case _:
                return f"k{number}"

    def _value(self, column: Column) -> Any:
        if column.nullable and self._rng.random() < 0.25:
            return None
        match column.type:
            case "int":
                return self._rng.randint(-2, 5)
            case "float":
                return self._rng.choice([-1.5, 0.0, 0.25, 1.0, 30.0])
            case "bool":
                return self._rng.random() < 0.5
            case "hash":
                return bytes([self._rng.randint(0, 3)])
            case _:
                return self._rng.choice([word for word in WORDS if len(word) <= (column.length or 99)])

    def _region(self) -> bytes | None:
        if self._rng.random() < 0.1:
            return None
        ra, dec, size = self._rng.uniform(0, 4), self._rng.uniform(-2, 2), self._rng.uniform(0.1, 1.0)
        if self._rng.random() < 0.2:
            return bytes(Circle(UnitVector3d(LonLat.fromDegrees(ra, dec)), Angle.fromDegrees(size)).encode())
        corners = [(ra + x * size, dec + y * size) for x, y in itertools.product((-1, 1), repeat=2)]
        return bytes(polygon(corners).encode())

    def _span(self) -> tuple[int, int] | None:
        if self._rng.random() < 0.1:
            return None
        begin = self._rng.randint(0, 50)
        length = self._rng.choice([1, 1, 2, 6, 24])
        if self._rng.random() < 0.05:
            return 0, START + begin * HOUR
        return START + begin * HOUR, START + (begin + length) * HOUR
