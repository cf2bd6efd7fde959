# SPDX-License-Identifier: BSD-3-Clause
"""Validity ranges of calibrations, and the gaps between them, as ``butler query-calibrations`` shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pachon.base import closest
from pachon.butler.listings import Columns, QueryLists, is_collection, key_kinds
from pachon.datasets import CollectionType
from pachon.dimensions import Timespan
from pachon.dimensions.timespan import MAX_NS, iso_from_ns
from pachon.registry.collection_names import is_glob

if TYPE_CHECKING:
    from pachon.butler.butler import Butler
    from pachon.butler.query_results import GeneralQueryResult
    from pachon.datasets import DatasetType

__all__ = ["list_calibrations"]


def list_calibrations(
    butler: Butler,
    dataset_types: Sequence[str] = (),
    *,
    collections: Sequence[str] = (),
    where: str = "",
    gaps: bool = False,
    limit: int | None = None,
) -> QueryLists:
    """Give validity ranges, sorted by collection, data ID and begin.

    Parameters
    ----------
    butler
        Where to look.
    dataset_types
        Names and globs of calibration types; by default all.
    collections
        Names and globs; the CALIBRATION collections among them and in their chains are searched, by default all.
    where
        An expression; one that names an exposure or a visit gives what is valid at its time.
    gaps
        Give the gaps between ranges of the same data ID too.
    limit
        Largest number of ranges of a type; a negative one warns if there are more.
    """
    places = butler.collections.query(
        collections or ("*",), types={CollectionType.CALIBRATION}, flatten_chains=True, include_chains=False
    )
    warnings: list[str] = []
    types = _matching(butler, dataset_types, warnings)
    if not places:
        warnings.append("There is no CALIBRATION collection among those searched.")
    tables: list[Columns] = []
    results: list[GeneralQueryResult] = []
    for dataset_type in types if places else ():
        result = _ask(butler, dataset_type, places, where, limit)
        results.append(result)
        rows = sorted(result, key=lambda row: _place(dataset_type, row))
        if rows:
            tables.append(_table(dataset_type, list(_with_gaps(dataset_type, rows)) if gaps else rows))
    return QueryLists(tables=tuple(tables), results=tuple(results), kinds=_kinds(types), warnings=tuple(warnings))


def _kinds(types: Sequence[DatasetType]) -> Mapping[str, type]:
    return {
        **dict.fromkeys(("type", "collection"), str),
        **{name: kind for dataset_type in types for name, kind in key_kinds(dataset_type.dimensions).items()},
        **dict.fromkeys(("begin (TAI)", "end (TAI)", "run", "id"), str),
    }


def _matching(butler: Butler, globs: Sequence[str], warnings: list[str]) -> list[DatasetType]:
    known = [item for item in butler.dataset_types.query(globs or ("*",)) if item.is_calibration]
    names = [item.name for item in butler.dataset_types.query() if item.is_calibration]
    warnings.extend(
        f"There is no dataset type {name!r} of calibrations.{is_collection(butler, name) or closest(name, names)}"
        for name in globs
        if not is_glob(name) and name not in names
    )
    return known


def _ask(
    butler: Butler, dataset_type: DatasetType, places: Sequence[str], where: str, limit: int | None
) -> GeneralQueryResult:
    name = dataset_type.name
    fields = [f"{name}.{field}" for field in ("collection", "timespan", "run", "dataset_id")]
    with butler.query() as q:
        joined = q.join_datasets(name, collections=places).where(where)
        return joined.general(dataset_type.dimensions, fields, find_first=False, limit=limit)


def _place(dataset_type: DatasetType, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*_owner(dataset_type, row), row[f"{dataset_type.name}.timespan"].begin_ns)


def _owner(dataset_type: DatasetType, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row[f"{dataset_type.name}.collection"], *(row[name] for name in dataset_type.dimensions.required))


def _with_gaps(dataset_type: DatasetType, rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Put a row without a dataset between ranges that do not touch."""
    name = dataset_type.name
    for _, group in groupby(rows, key=lambda row: _owner(dataset_type, row)):
        end: int | None = None
        for row in group:
            span = row[f"{name}.timespan"]
            if end is not None and end < span.begin_ns:
                gap = Timespan.from_ns(end, span.begin_ns)
                yield {**row, f"{name}.timespan": gap, f"{name}.run": None, f"{name}.dataset_id": None}
            yield row
            end = span.end_ns


def _table(dataset_type: DatasetType, rows: Sequence[Mapping[str, Any]]) -> Columns:
    name = dataset_type.name
    spans = [row[f"{name}.timespan"] for row in rows]
    ids = [row[f"{name}.dataset_id"] for row in rows]
    return {
        "type": [name] * len(rows),
        "collection": [row[f"{name}.collection"] for row in rows],
        **{dimension: [row[dimension] for row in rows] for dimension in dataset_type.dimensions.ordered},
        "begin (TAI)": [None if span.begin_ns == 0 else iso_from_ns(span.begin_ns) for span in spans],
        "end (TAI)": [None if span.end_ns == MAX_NS else iso_from_ns(span.end_ns) for span in spans],
        "run": [row[f"{name}.run"] for row in rows],
        "id": [None if item is None else str(item) for item in ids],
    }
