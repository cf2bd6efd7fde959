# SPDX-License-Identifier: BSD-3-Clause
"""Validity ranges of calibrations, and the gaps between them, as ``butler query-calibrations`` shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pachon.base import closest
from pachon.butler.listings import Columns, QueryLists, is_collection, key_kinds
from pachon.butler.result_columns import uuid_texts
from pachon.datasets import CollectionType
from pachon.dimensions import Categorical
from pachon.dimensions.timespan import MAX_NS, isos_from_ns
from pachon.registry.collection_names import is_glob

if TYPE_CHECKING:
    from pachon.butler.butler import Butler
    from pachon.butler.query_results import GeneralQueryResult
    from pachon.datasets import ColumnTable, DatasetType

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
        Largest number of ranges of a type, the first ones as they are sorted; a negative one warns if there are more.
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
        if len(result):
            tables.append(_table(dataset_type, _ordered(dataset_type, result.table), gaps=gaps))
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
    # What a limit leaves must have no holes: they would be shown as gaps.
    order = (f"{name}.collection", *dataset_type.dimensions.required, f"{name}.timespan.begin") if limit else ()
    with butler.query() as q:
        joined = q.join_datasets(name, collections=places).where(where)
        return joined.general(dataset_type.dimensions, fields, find_first=False, order_by=order, limit=limit)


def _ordered(dataset_type: DatasetType, rows: ColumnTable) -> ColumnTable:
    """Sort by collection, data ID and begin."""
    begins, _ = rows.arrays[f"{dataset_type.name}.timespan"]
    return rows.take(np.lexsort([begins, *reversed(_owners(dataset_type, rows))]))


def _owners(dataset_type: DatasetType, rows: ColumnTable) -> list[np.ndarray]:
    """Give whose each range is, as codes that are ordered as their values: collection, then required dimensions."""
    names = (f"{dataset_type.name}.collection", *dataset_type.dimensions.required)
    return [_codes(rows.arrays[name][0]) for name in names]


def _codes(values: Categorical | np.ndarray) -> np.ndarray:
    return (values if isinstance(values, Categorical) else Categorical.encode(values)).codes


def _gaps(dataset_type: DatasetType, rows: ColumnTable) -> np.ndarray:
    """Say before which of the sorted ranges there is a gap: it does not touch the last one of the same data ID."""
    begins, ends = rows.arrays[f"{dataset_type.name}.timespan"]
    gaps = np.zeros(len(rows), dtype=bool)
    gaps[1:] = ends[:-1] < begins[1:]
    for codes in _owners(dataset_type, rows):
        gaps[1:] &= codes[:-1] == codes[1:]
    return gaps


def _table(dataset_type: DatasetType, rows: ColumnTable, *, gaps: bool) -> Columns:
    """Give the columns of sorted ranges, perhaps with rows that have no dataset for the gaps between them."""
    name = dataset_type.name
    begins, ends = rows.arrays[f"{name}.timespan"]
    runs, ids = np.array(rows.values(f"{name}.run"), dtype=object), uuid_texts(rows.arrays[f"{name}.dataset_id"][0])
    if gaps:
        places = np.flatnonzero(_gaps(dataset_type, rows))
        no_dataset = np.full(len(places), None, dtype=object)
        begins, ends = np.insert(begins, places, ends[places - 1]), np.insert(ends, places, begins[places])
        runs, ids = np.insert(runs, places, no_dataset), np.insert(ids, places, no_dataset)
        # A gap is of the data ID of the range after it.
        rows = rows.take(np.insert(np.arange(len(rows)), places, places))
    return {
        "type": [name] * len(rows),
        "collection": rows.values(f"{name}.collection"),
        **{dimension: rows.values(dimension) for dimension in dataset_type.dimensions.ordered},
        "begin (TAI)": _bounds(begins, 0),
        "end (TAI)": _bounds(ends, MAX_NS),
        "run": runs.tolist(),
        "id": ids.tolist(),
    }


def _bounds(times: np.ndarray, open_bound: int) -> list[str | None]:
    """Give times as text, and None for what has no bound; many ranges share theirs."""
    distinct, places = np.unique(times, return_inverse=True)
    texts = np.array(isos_from_ns(distinct), dtype=object)
    texts[distinct == open_bound] = None
    bounds: list[str | None] = texts[places].tolist()
    return bounds
