# SPDX-License-Identifier: BSD-3-Clause
"""Random questions of every kind that can also be asked of LSST's packages: data IDs, datasets, records, general results, names."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pachon.datasets import CollectionType
from pachon.dimensions import DimensionGroup, DimensionUniverse
from pachon.registry.testing.random_world import World
from pachon.registry.testing.wide_expressions import WideExpressions
from pachon.registry.testing.wide_values import decoded

__all__ = ["WideQuery", "wide_queries"]

Search = tuple[str, tuple[str, ...]]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WideQuery:
    """A question as plain values."""

    kind: str
    """``data_ids``, ``datasets``, ``records``, ``general``, ``all_datasets``, ``collections`` or ``types``."""
    dimensions: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    """Further dimensions that are joined."""
    element: str | None = None
    dataset_type: str | None = None
    """A pattern for ``all_datasets``."""
    collections: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Names and patterns of collections or dataset types."""
    types: tuple[str, ...] = ()
    """Of the collections that are wanted; all if empty."""
    flatten: bool = False
    chains: bool | None = None
    find_first: bool = True
    searches: tuple[Search, ...] = ()
    """Dataset types that are joined, and where."""
    given: tuple[dict[str, Any], ...] = ()
    """Data IDs that are joined."""
    tabular: bool = False
    """Whether they are given as a table."""
    materialized: tuple[str, ...] = ()
    """Dimensions of what is made a table before the result is asked for."""
    fields: tuple[str, ...] = ()
    """Columns of a general result."""
    where: str = ""
    further: str = ""
    """Another condition, which is given after the order and the limit."""
    bind: dict[str, Any] = field(default_factory=dict)
    """As `decoded` takes them."""
    data_id: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)
    """Values of governors that the client has by default."""
    searched: tuple[str, ...] | None = None
    """Collections that the client searches by default, from which it infers governors; then `collections` is empty."""
    order_by: tuple[str, ...] = ()
    complete: bool = False
    """Whether the order leaves no choice, also where values are null."""
    limit: int | None = None
    simple: bool = False
    """Whether it is asked by a single call; only these take negative limits."""

    def document(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        return {name: getattr(self, name) for name in self.__slots__}

    def bound(self) -> dict[str, Any]:
        """Give the bound values as pachon takes them."""
        return {name: decoded(value) for name, value in self.bind.items()}


def wide_queries(rng: random.Random, world: World) -> Iterator[WideQuery]:
    """Give questions without end."""
    while True:
        yield _finished(rng, _Maker(rng, world).query())


def _finished(rng: random.Random, query: WideQuery) -> WideQuery:
    """Let some be asked by a single call."""
    by_call = query.kind in ("data_ids", "datasets", "records")
    by_call = by_call and not (query.joined or query.searches or query.given or query.materialized)
    by_call = by_call and rng.random() < 0.5
    limit = query.limit if by_call or query.limit is None else abs(query.limit)
    # Of a governor a sequence is no mention there, so that its default holds.
    several = any(isinstance(value, dict) and {"list", "tuple", "set"} & value.keys() for value in query.bind.values())
    plain = not any(set(name) & set("*?[") for name in query.collections)
    by_default = query.kind == "datasets" and plain and not several and rng.random() < 0.25
    return replace(
        query,
        simple=by_call,
        limit=limit,
        defaults={} if several else query.defaults,
        searched=query.collections if by_default else None,
        collections=() if by_default else query.collections,
        further="" if by_call else query.further,
    )


class _Maker:
    def __init__(self, rng: random.Random, world: World) -> None:
        self._rng = rng
        self._world = world

    @property
    def _universe(self) -> DimensionUniverse:
        return self._world.universe

    def query(self) -> WideQuery:
        kinds = ["data_ids"] * 6 + ["datasets"] * 6 + ["records"] * 4 + ["general"] * 3 + ["all_datasets"] * 2
        kind = self._any([*kinds, "collections", "types"])
        match kind:
            case "datasets":
                return self._datasets()
            case "records":
                return self._records()
            case "data_ids" | "general":
                return self._rows(kind)
            case "all_datasets":
                return self._all_datasets()
            case "collections":
                return WideQuery(
                    kind=kind,
                    names=self._patterns(list(self._world.collections)),
                    types=self._any([(), ("RUN",), ("CHAINED", "TAGGED"), ("CALIBRATION", "RUN")]),
                    flatten=self._often(0.4),
                    chains=self._any([None, None, True, False]),
                )
            case _:
                return WideQuery(kind=kind, names=self._patterns(list(self._world.types)))

    def _rows(self, kind: str) -> WideQuery:
        names = [n for n, element in self._universe.dimensions.items() if not element.is_skypix]
        if self._often(0.15):
            names.append(self._any([self._universe.common_skypix, "htm9"]))
        chosen = tuple(self._rng.sample(names, self._any([1, 1, 2, 2, 3])))
        joined = tuple(self._rng.sample(names, 1)) if self._often(0.15) else ()
        searches = self._searches()
        given = self._given() if self._often(0.15) else ()
        group = self._universe.conform({*chosen, *joined, *(n for row in given for n in row)})
        where, further, bind = self._where(group, [name for name, _ in searches])
        result = self._universe.conform(chosen)
        fields = self._fields(result.names, searches) if kind == "general" else ()
        shown = {name for name, _ in searches if any(f.startswith(f"{name}.") for f in fields)}
        if shown:
            # A field of a dataset has one value for a data ID of all its dimensions.
            chosen = tuple(dict.fromkeys((*chosen, *(d for name in shown for d in self._world.types[name]))))
        order, complete = self._order(result.names, result.required, ()) if kind == "data_ids" else ((), False)
        materialized: tuple[str, ...] = ()
        if kind == "data_ids" and self._often(0.15):
            # Datasets that are joined must still be told apart by what is kept.
            kept = {*result.names, *(d for name, _ in searches for d in self._world.types[name])}
            materialized = tuple(self._universe.conform(kept).names)
        return WideQuery(
            kind=kind,
            dimensions=chosen,
            joined=joined,
            searches=searches,
            given=given,
            tabular=self._often(0.5),
            where=where,
            further="" if materialized or kind == "general" else further,
            bind=bind,
            data_id=self._data_id(group.names),
            # What a table gives needs no default here.
            defaults={} if given or materialized else self._defaults(),
            fields=fields,
            find_first=kind != "general" or (len(shown) == 1 and self._often(0.5)),
            order_by=order,
            complete=complete,
            limit=self._limit() if complete or (kind == "data_ids" and self._often(0.3)) else None,
            materialized=materialized,
        )

    def _records(self) -> WideQuery:
        element = self._any([e for e in self._universe.elements.values() if not e.is_skypix])
        group = self._universe.group_of(element)
        searches = self._searches()
        where, further, bind = self._where(group, [name for name, _ in searches])
        order, complete = self._order(group.names, element.required, ())
        return WideQuery(
            kind="records",
            element=element.name,
            searches=searches,
            where=where,
            further=further,
            bind=bind,
            data_id=self._data_id(group.names),
            defaults=self._defaults(),
            order_by=order,
            complete=complete,
            limit=self._limit() if complete or self._often(0.3) else None,
        )

    def _datasets(self) -> WideQuery:
        name = self._any(list(self._world.types))
        find_first = self._often(0.6)
        group = self._universe.conform(self._world.types[name])
        searches = tuple(s for s in self._searches() if s[0] != name) if self._often(0.3) else ()
        where, further, bind = self._where(group, [name, *(other for other, _ in searches)], of_one=True)
        order, complete = self._order(group.names, group.required, (name,))
        complete = complete and find_first
        return WideQuery(
            kind="datasets",
            dataset_type=name,
            collections=self._collections()
            if find_first or self._often(0.7)
            else self._patterns(list(self._world.collections)),
            find_first=find_first,
            searches=searches,
            where=where,
            further=further,
            bind=bind,
            data_id=self._data_id(group.names),
            defaults=self._defaults(),
            order_by=order,
            complete=complete,
            limit=self._limit() if complete or (find_first and self._often(0.3)) else None,
        )

    def _all_datasets(self) -> WideQuery:
        find_first = self._often(0.5)
        instrument = self._any([row["name"] for row in self._world.records["instrument"]])
        group = self._universe.conform(self._any([["instrument"], ["detector"], ["exposure"], ["skymap"]]))
        where, _, bind = self._where(group, ())
        if self._often(0.4):
            where = self._any(["", f"instrument = '{instrument}'", f"detector > 1 AND instrument = '{instrument}'"])
        return WideQuery(
            kind="all_datasets",
            names=self._patterns(list(self._world.types)),
            collections=self._collections() if find_first else self._patterns(list(self._world.collections)),
            find_first=find_first,
            where=where,
            bind=bind,
            # There a dataset that is found in several collections takes several places.
            limit=self._limit() if find_first else None,
        )

    # Parts.

    def _where(
        self, group: DimensionGroup, datasets: Sequence[str], *, of_one: bool = False
    ) -> tuple[str, str, dict[str, Any]]:
        """Give an expression, or often enough none, seldom another one, and the values bound in them."""
        expressions = WideExpressions(self._rng, self._world, group, datasets, of_one=of_one)
        text = expressions.expression() if self._often(0.9) else ""
        further = expressions.expression() if self._often(0.15) else ""
        return text, further, expressions.bind

    def _collections(self) -> tuple[str, ...]:
        names = list(self._world.collections)
        if self._often(0.5):
            kept = [
                n
                for n in names
                if self._world.collections[n] is not CollectionType.CALIBRATION and n not in ("chain1", "chain2")
            ]
            names = kept or names
        # Chains and their children overlap.
        return tuple(self._rng.sample(names, min(len(names), self._any([1, 1, 2, 3, 4]))))

    def _searches(self) -> tuple[Search, ...]:
        names = self._rng.sample(list(self._world.types), self._any([0, 0, 0, 1, 1, 2]))
        return tuple((name, self._collections()) for name in names)

    def _patterns(self, names: Sequence[str]) -> tuple[str, ...]:
        found = []
        for _ in range(self._any([1, 1, 2, 3])):
            name = self._any(names)
            found.append(
                self._any(
                    [name, "*", f"{name[:1]}*", f"*{name[-1:]}", f"{name[:-1]}?", f"?{name[1:]}", f"[{name[0]}]*"]
                )
            )
        return tuple(found)

    def _given(self) -> tuple[dict[str, Any], ...]:
        name = self._any(["detector", "exposure", "visit", "patch", "physical_filter"])
        element = self._universe[name]
        rows = self._world.records[name]
        chosen = self._rng.sample(list(rows), min(len(rows), self._rng.randint(1, 3)))
        return tuple({d: row[element.key_name(d)] for d in element.required} for row in chosen)

    def _data_id(self, names: Sequence[str]) -> dict[str, Any]:
        found = {}
        for name in names:
            rows = self._world.records.get(name, ())
            if rows and self._often(0.06):
                found[name] = self._any(rows)[self._universe[name].primary_key.name]
        return found

    def _defaults(self) -> dict[str, str]:
        if self._often(0.85):
            return {}
        return {"instrument": self._any(self._world.records["instrument"])["name"]}

    def _fields(self, names: Sequence[str], searches: Sequence[Search]) -> tuple[str, ...]:
        elements = [self._universe[n] for n in names if not self._universe[n].is_skypix]
        known = [f"{e.name}.{c.name}" for e in elements for c in (*e.metadata, *e.alternate_keys)]
        known += [f"{e.name}.timespan" for e in elements if e.temporal]
        known += [f"{e.name}.region" for e in elements if e.spatial]
        chosen = self._rng.sample(known, min(len(known), self._rng.randint(0, 3)))
        for name, _ in searches:
            chosen += self._rng.sample(
                [f"{name}.{f}" for f in ("dataset_id", "run", "collection")], self._any([0, 1, 3])
            )
        return tuple(chosen)

    def _order(
        self, names: Sequence[str], required: Sequence[str], types: Sequence[str]
    ) -> tuple[tuple[str, ...], bool]:
        """Give an order, and whether it is one that leaves no choice."""
        if self._often(0.6):
            return (), False
        elements = [self._universe[n] for n in names if not self._universe[n].is_skypix]
        plain = ("int", "float", "string")
        known = [f"{e.name}.{c.name}" for e in elements for c in e.columns if c.type in plain and not c.nullable]
        known += [f"{t}.run" for t in types]
        nullable = [f"{e.name}.{c.name}" for e in elements for c in e.metadata if c.type in plain and c.nullable]
        nullable += [f"{e.name}.timespan.begin" for e in elements if e.temporal]
        complete = self._often(0.8)
        first = self._rng.sample(known, min(len(known), self._rng.randint(0, 2)))
        if not complete:
            first += self._rng.sample(nullable, min(len(nullable), 1))
        rest = [name for name in self._rng.sample(list(required), len(required)) if name not in first]
        return tuple(self._any(["", "-"]) + name for name in (*first, *rest)), complete

    def _limit(self) -> int | None:
        return self._any([None, None, 1, 3, -2, -5, 0, 1000])

    def _often(self, chance: float) -> bool:
        return self._rng.random() < chance

    def _any(self, choices: Sequence[_T]) -> _T:
        return self._rng.choice(choices)
