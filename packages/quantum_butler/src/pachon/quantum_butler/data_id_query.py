# SPDX-License-Identifier: BSD-3-Clause
"""What was asked of a repository for the data IDs of a graph: kept, so that what the answer lacks can be explained later."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pachon.base import InvalidInputError
from pachon.datasets import DatasetSearch, FactSource
from pachon.dimensions import DimensionGroup, DimensionUniverse, Timespan

__all__ = ["DataIdQuery"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataIdQuery:
    """The one query that gave all data IDs of some tasks."""

    labels: tuple[str, ...]
    """Of these tasks."""
    dimensions: tuple[str, ...] = ()
    where: str = ""
    """The user's expression, and what relates regions."""
    bind: Mapping[str, Any] = field(default_factory=dict)
    """JSON values that ``where`` names."""
    lost_binds: tuple[str, ...] = ()
    """Names of values that no JSON can hold: the expression cannot be asked again."""
    data_id: Mapping[str, Any] = field(default_factory=dict)
    datasets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Dataset types of which each data ID had to have one, and where."""
    given_rows: int | None = None
    """Number of rows of tables that data IDs had to be in; the tables themselves are not kept."""
    is_given: bool = False
    """Whether the caller gave all data IDs, and the repository was not asked."""

    @classmethod
    def of(
        cls, labels: Sequence[str], dimensions: Iterable[str], bind: Mapping[str, Any] | None = None, **conditions: Any
    ) -> DataIdQuery:
        """Make one with bound values of any type that a query takes."""
        kept = {name: _to_json(value) for name, value in (bind or {}).items()}
        lost = tuple(name for name, value in kept.items() if value is None)
        return cls(
            labels=tuple(labels),
            dimensions=tuple(dimensions),
            bind={name: value for name, value in kept.items() if name not in lost},
            lost_binds=lost,
            **conditions,
        )

    def to_document(self) -> dict[str, Any]:
        """Give plain data for JSON."""
        return {
            "labels": list(self.labels),
            "dimensions": list(self.dimensions),
            "where": self.where,
            "bind": dict(self.bind),
            "lost_binds": list(self.lost_binds),
            "data_id": dict(self.data_id),
            "datasets": {name: list(path) for name, path in self.datasets.items()},
            "given_rows": self.given_rows,
            "is_given": self.is_given,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> DataIdQuery:
        """Read what `to_document` gave; what later versions added is ignored."""
        known = {name: document[name] for name in cls.__slots__ if name in document}
        for name in ("labels", "dimensions", "lost_binds"):
            known[name] = tuple(known.get(name, ()))
        known["datasets"] = {name: tuple(path) for name, path in known.get("datasets", {}).items()}
        return cls(**known)

    def why_without(
        self, source: FactSource, universe: DimensionUniverse, task_dimensions: Iterable[str], values: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Say why the answer has no data ID with some values, by asking again.

        Parameters
        ----------
        source
            The repository.
        universe
            Its dimensions.
        task_dimensions
            Dimensions of the task that is asked about.
        values
            Values of dimensions.

        Raises
        ------
        InvalidInputError
            If a value is of another type than its dimension.
        """
        if self.is_given:
            return ("The caller of the build gave all data IDs, and this is none of them.",)
        whole = self.what_excludes(source, universe, values)
        if not whole:
            return (self._only_then(),)
        dimensions = universe.conform(task_dimensions)
        others = [name for name in universe.conform(self.dimensions).required if name not in dimensions]
        if (
            others
            and all(name in dimensions for name in values)
            and _exists(source, dimensions, {**self.data_id, **values})
        ):
            shared = f"The data IDs of {', '.join(self.labels)} come from one query, over {', '.join(others)} too"
            return (*whole, f"{shared}: what has nothing there is left out everywhere.")
        return whole

    def what_excludes(
        self, source: FactSource, universe: DimensionUniverse, values: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Say which conditions exclude some values; empty if the repository has such data IDs."""
        contradicted = [
            f"The pipeline is for {name} {own!r}."
            for name, own in self.data_id.items()
            if name in values and values[name] != own
        ]
        if contradicted:
            return tuple(contradicted)
        asked = not self.lost_binds
        return tuple(
            source.explain_empty(
                universe.conform([*self.dimensions, *values]),
                where=self.where if asked else "",
                bind={name: _from_json(value) for name, value in self.bind.items()} if asked else None,
                data_id={**self.data_id, **values},
                datasets=[DatasetSearch(dataset_type=n, collections=path) for n, path in self.datasets.items()],
            )
        )

    def _only_then(self) -> str:
        """The repository gives such a data ID when it is asked now, with all conditions that are known."""
        if self.given_rows is not None:
            return f"It is not in the tables of data IDs that the build was given ({self.given_rows} rows)."
        if self.lost_binds:
            names = ", ".join(f":{name}" for name in self.lost_binds)
            return f"Nothing but the expression {self.where!r} can exclude it; its value {names} was not kept."
        return "The repository has all that it needs now, and had not when the graph was built: build it again."


def _exists(source: FactSource, dimensions: DimensionGroup, values: Mapping[str, Any]) -> bool:
    """Tell whether there is such a data ID of a task, whatever else is asked for."""
    own = {name: value for name, value in values.items() if name in dimensions}
    for name in dimensions.universe.governors:
        if name in dimensions and name not in own:
            # The expression said which; without it, the only one is meant.
            known = source.fetch_records(name)
            if len(known) == 1:
                own |= dict(known.data_ids(dimensions.universe, (name,))[0].required)
    try:
        return not source.explain_empty(dimensions, data_id=own)
    except InvalidInputError:
        return False


def _to_json(value: Any) -> Any:
    """Give a bound value as JSON, or `None` if none can hold it."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    match value:
        case bool() | int() | float() | str():
            return value
        case Timespan():
            return {"timespan": [value.begin_ns, value.end_ns]}
        case uuid.UUID():
            return {"uuid": str(value)}
        case datetime.datetime():
            return {"time": value.isoformat()}
        case list() | tuple() | set() | frozenset():
            members = [_to_json(member) for member in value]
            return None if any(member is None for member in members) else members
        case _:
            return None


def _from_json(value: Any) -> Any:
    match value:
        case {"timespan": [begin, end]}:
            return Timespan.from_ns(begin, end)
        case {"uuid": text}:
            return uuid.UUID(text)
        case {"time": text}:
            return datetime.datetime.fromisoformat(text)
        case list():
            return [_from_json(member) for member in value]
        case _:
            return value
