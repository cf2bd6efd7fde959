# SPDX-License-Identifier: BSD-3-Clause
"""Of rows that say the same: one data ID, one dataset, the first collection that has one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pachon.datasets import id_keys
from pachon.dimensions import Categorical, combine_codes
from pachon.registry.errors import CalibrationLookupError
from pachon.registry.query.plan import Plan
from pachon.registry.query.rows import Rows
from pachon.registry.query.spec import SearchFacts

__all__ = ["choose"]


def choose(plan: Plan, rows: Rows) -> Rows:
    """Keep the rows that are wanted, in their order.

    Raises
    ------
    CalibrationLookupError
        If the winning collection of a data ID has several calibrations that are wanted or whose fields are shown, and a limit does
        not cut that off.
    """
    if plan.fields is not None:
        return _general(plan, rows)
    if plan.datasets is None:
        return rows.take(np.sort(rows.keys_of(plan.result.required).first_rows()))
    if not plan.find_first:
        _, first = np.unique(id_keys(rows.ids), return_index=True)
        return rows.take(np.sort(first))
    return _first_collection(plan, plan.datasets, rows)


def _first_collection(plan: Plan, facts: SearchFacts, rows: Rows) -> Rows:
    """Keep the dataset of the first collection for each data ID."""
    rank = _ranks(facts, rows.collections)
    code = rows.keys_of(plan.result.required).codes()
    order = np.lexsort((rank, code))
    first = np.ones(len(order), dtype=bool)
    first[1:] = code[order][1:] != code[order][:-1]
    winner = order[np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))]
    ties = ~first & (rank[order] == rank[winner])
    differ = np.flatnonzero(ties & (rows.ids[order] != rows.ids[winner]).any(axis=1))
    kept = np.sort(order[first])
    if plan.limit is not None:
        # What a limit cuts off is nobody's concern.
        differ = differ[np.isin(winner[differ], kept[: abs(plan.limit)])]
    if len(differ):
        raise _several(plan, facts, rows, int(order[differ[0]]), rows.collections)
    return rows.take(kept)


def _general(plan: Plan, rows: Rows) -> Rows:
    """Keep for each data ID the rows of the first collection of each search, each row once."""
    for number, facts in enumerate(plan.chosen):
        rank = _ranks(facts, rows.chosen[number])
        code = rows.keys_of(plan.result.required).codes()
        best = np.full(int(code.max()) + 1, np.iinfo(np.int64).max) if code.max() < 4 * len(code) + 1024 else None
        if best is None:
            _, code = np.unique(code, return_inverse=True)
            code = code.reshape(-1)
            best = np.full(int(code.max()) + 1, np.iinfo(np.int64).max)
        np.minimum.at(best, code, rank)
        rows = rows.take(rank == best[code])
    columns = [*rows.keys_of(plan.result.required).columns.values()]
    columns += [_coded(part) for parts in rows.fields.values() for part in parts]
    code = combine_codes([c.codes for c in columns], [len(c.values) for c in columns], len(rows))
    kept = np.sort(np.unique(code, return_index=True)[1])
    for facts, ids in zip(plan.looked_up, rows.looked_up, strict=True):
        _refuse_several(plan, facts, rows, ids, kept)
    return rows.take(kept)


def _refuse_several(plan: Plan, facts: SearchFacts, rows: Rows, ids: np.ndarray, kept: np.ndarray) -> None:
    """Refuse that of one data ID several calibrations win, unless a limit cuts that off."""
    code = rows.keys_of(plan.result.required).codes()
    order = np.argsort(code, kind="stable")
    again = code[order][1:] == code[order][:-1]
    differ = order[1:][again & (ids[order][1:] != ids[order][:-1]).any(axis=1)]
    if plan.limit is not None:
        differ = differ[np.isin(code[differ], code[kept[: abs(plan.limit)]])]
    if len(differ):
        raise _several(plan, facts, rows, int(differ[0]), rows.chosen[plan.chosen.index(facts)])


def _coded(column: np.ndarray | Categorical) -> Categorical:
    if isinstance(column, Categorical):
        return column
    if column.ndim == 2:
        column = id_keys(column)
    items = column.tolist() if column.dtype == object else column
    if not isinstance(items, list):
        values, codes = np.unique(items, return_inverse=True)
        return Categorical(codes.reshape(-1).astype(np.int32), values)
    numbers: dict[object, int] = {}
    codes = np.fromiter((numbers.setdefault(item, len(numbers)) for item in items), np.int32, len(items))
    return Categorical(codes, np.arange(len(numbers)))


def _ranks(facts: SearchFacts, collections: np.ndarray) -> np.ndarray:
    ranks = facts.ranks
    numbers = np.array(sorted(ranks), dtype=np.int64)
    places = np.array([ranks[number] for number in numbers.tolist()], dtype=np.int64)
    found: np.ndarray = places[np.searchsorted(numbers, collections)]
    return found


def _several(
    plan: Plan, facts: SearchFacts, rows: Rows, row: int, collections: Sequence[int] | np.ndarray
) -> CalibrationLookupError:
    data_id = ", ".join(f"{name}={rows.keys.columns[name][row]!r}" for name in plan.result.required)
    return CalibrationLookupError(
        f"Several datasets {facts.dataset_type} with {{{data_id}}} are valid in "
        f"{facts.names[int(collections[row])]!r}; constrain the time, or ask for all of them (find_first=False, --no-find-first)."
    )
