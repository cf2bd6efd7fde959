# SPDX-License-Identifier: BSD-3-Clause
"""Lists of datasets, data IDs and records as the query commands show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from warnings import warn

import numpy as np

from pachon.base import InvalidInputError, NotFoundError, closest
from pachon.butler.query_results import DataIdQueryResult, DatasetQueryResult, GeneralQueryResult, RecordQueryResult
from pachon.butler.result_columns import dataset_columns
from pachon.datasets import DatasetRef, DatasetTable
from pachon.dimensions import NULL_NS, Categorical, RecordTable, Timespan
from pachon.registry.collection_names import is_glob

if TYPE_CHECKING:
    from pachon.butler.butler import Butler
    from pachon.dimensions import DataIdTable, DimensionElement, DimensionGroup

__all__ = [
    "DatasetStream",
    "QueryLists",
    "key_kinds",
    "list_data_ids",
    "list_datasets",
    "list_records",
    "plain_keys",
    "record_kinds",
    "record_list_columns",
    "select_datasets",
    "sorted_table",
    "stream_datasets",
]

_MOST_ABSENT = 5
"""Of so many types that match a glob it is said why there are none."""

Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryLists:
    """What a query command shows: a table for each dataset type that has any rows."""

    tables: tuple[Columns, ...]
    """Of datasets: ``type``, ``run``, ``id``, one a dimension, and perhaps ``URI``. Of validity ranges: ``type``, ``collection``, one a
    dimension, ``begin (TAI)``, ``end (TAI)``, ``run``, ``id``; a bound that is open is None, and so are run and id of a gap."""
    results: tuple[DatasetQueryResult | GeneralQueryResult, ...]
    """Also those of types that were named and of which the collections never held any; they are empty."""
    kinds: Mapping[str, type]
    """The columns of all tables, and what their values are."""
    warnings: tuple[str, ...] = ()

    def explain(self) -> Iterator[str]:
        """Say how each query was answered, and why it is empty if it is."""
        for result in self.results:
            yield f"{result!r}\n{result.explain()}"

    def explain_empty(self) -> Iterator[str]:
        """Say why there is nothing, if there is nothing."""
        for result in self.results if not self.tables else ():
            yield from result.explain().reasons


def list_datasets(
    butler: Butler,
    dataset_types: Sequence[str],
    *,
    collections: Sequence[str],
    where: str = "",
    find_first: bool = False,
    limit: int | None = None,
    order_by: Sequence[str] = (),
    show_uri: bool = False,
) -> QueryLists:
    """Query datasets of all types that match, a table each, sorted by data ID, type and run unless ordered.

    Parameters
    ----------
    butler
        Where to look.
    dataset_types
        Names and globs; what matches nothing gives a warning.
    collections
        Names, and globs unless ``find_first``.
    where, find_first, order_by
        As for `Butler.query_datasets`; a field to order by needs a single dataset type.
    limit
        Largest number of datasets of all types together; a negative one warns if there are more, be they of a further type.
    show_uri
        Add the place of each file; datasets that were taken apart have a row a component.
    """
    warnings: list[str] = []
    known = _queried_types(butler, dataset_types, collections, order_by, warnings)
    left = None if limit is None else abs(limit)
    tables: list[Columns] = []
    results: list[DatasetQueryResult] = []
    for name in known:
        if _is_enough(left, limit):
            break
        result = butler.query_datasets(
            name,
            collections=collections,
            where=where,
            find_first=find_first,
            order_by=order_by,
            limit=None if left is None else left + 1,
        )
        results.append(result)
        (table,) = result.tables
        are_more = left is not None and len(table) > left
        table = table[:left]
        left = None if left is None else left - len(table)
        if len(table):
            table = table if order_by else sorted_table(table)
            tables.append(_with_uris(butler, table) if show_uri else _plain(dataset_columns([table])))
        if are_more:
            warnings.extend(_warnings_of_more(limit))
            break
    # They are not run unless somebody asks why there is nothing.
    never_held = _never_held(butler, dataset_types, known)
    results.extend(
        butler.query_datasets(name, collections=collections, where=where, find_first=find_first) for name in never_held
    )
    return QueryLists(
        tables=tuple(tables),
        results=tuple(results),
        kinds=_dataset_kinds(butler, [*known, *never_held], show_uri=show_uri),
        warnings=tuple(warnings),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetStream:
    """All datasets that a query command shows to a program, table by table."""

    tables: Iterator[Columns]
    """Parts of what `QueryLists.tables` would be; they are fetched as they are taken."""
    kinds: Mapping[str, type]
    results: tuple[DatasetQueryResult, ...]
    warnings: tuple[str, ...] = ()


def stream_datasets(
    butler: Butler,
    dataset_types: Sequence[str],
    *,
    collections: Sequence[str],
    where: str = "",
    find_first: bool = False,
    order_by: Sequence[str] = (),
    show_uri: bool = False,
) -> DatasetStream:
    """Query the same as `list_datasets` without a limit, in the same order, part by part."""
    warnings: list[str] = []
    known = _queried_types(butler, dataset_types, collections, order_by, warnings)
    names = (*known, *_never_held(butler, dataset_types, known))
    results = tuple(
        butler.query_datasets(
            name,
            collections=collections,
            where=where,
            find_first=find_first,
            order_by=order_by or (*butler.dataset_types.get(name).dimensions.required, f"{name}.run"),
        )
        for name in names
    )

    def tables() -> Iterator[Columns]:
        for result in results:
            for rows in result.batches():
                for table in rows.tables:
                    yield _with_uris(butler, table) if show_uri else _plain(dataset_columns([table]))

    kinds = _dataset_kinds(butler, names, show_uri=show_uri)
    return DatasetStream(tables=tables(), kinds=kinds, results=results, warnings=tuple(warnings))


def _dataset_kinds(butler: Butler, names: Sequence[str], *, show_uri: bool) -> Mapping[str, type]:
    """Give the columns of lists of some dataset types, and what their values are."""
    groups = [butler.dataset_types.get(name).dimensions for name in names]
    return {
        **dict.fromkeys(("type", "run", "id"), str),
        **{name: kind for group in groups for name, kind in key_kinds(group).items()},
        **({"URI": str} if show_uri else {}),
    }


def key_kinds(group: DimensionGroup) -> Mapping[str, type]:
    """Give what the values of dimensions are."""
    keys = {name: group.universe.dimensions[name].primary_key for name in group.ordered}
    return {name: int if key.type == "int" else str for name, key in keys.items()}


def plain_keys(table: DataIdTable) -> Columns:
    """Give the values of dimensions as they are shown."""
    return {name: column.tolist() for name, column in table.columns.items()}


def record_kinds(element: DimensionElement) -> Mapping[str, type]:
    """Give the columns of `record_list_columns`, and what their values are."""
    kinds = {"int": int, "float": float, "bool": bool}
    return {
        "timespan (TAI)" if column.type == "timespan" else column.name: kinds.get(column.type, str)
        for column in element.columns
    }


def select_datasets(
    butler: Butler,
    dataset_types: Sequence[str],
    *,
    collections: Sequence[str],
    where: str = "",
    find_first: bool = False,
    limit: int | None = None,
    order_by: Sequence[str] = (),
) -> list[DatasetRef]:
    """Give the datasets that options of a command select, each once; by default those of all types and collections.

    Raises
    ------
    MissingDatasetTypeError
        If a dataset type is named, not matched by a glob, and does not exist.
    """
    for name in dataset_types:
        if not is_glob(name):
            butler.dataset_types.get(name)
    known = _queried_types(butler, dataset_types or ("*",), collections or ("*",), order_by, [])
    refs: list[DatasetRef] = []
    for name in known:
        left = None if limit is None else abs(limit) - len(refs)
        if _is_enough(left, limit):
            break
        found = list(
            butler.query_datasets(
                name,
                collections=collections or ("*",),
                where=where,
                find_first=find_first,
                order_by=order_by,
                limit=None if left is None else left + 1,
            )
        )
        refs.extend(found[:left])
        if left is not None and len(found) > left:
            for warning in _warnings_of_more(limit):
                warn(warning, stacklevel=2)
            break
    return refs


def _is_enough(left: int | None, limit: int | None) -> bool:
    """Whether no further type need be asked; a negative limit has to know whether there are more."""
    return left == 0 and limit is not None and limit >= 0


def _warnings_of_more(limit: int | None) -> list[str]:
    """Say that a negative limit leaves some out."""
    if limit is None or limit >= 0:
        return []
    return [f"There are more than {-limit} datasets; say --limit 0 to see them all."]


def list_data_ids(
    butler: Butler,
    dimensions: Sequence[str],
    *,
    datasets: Sequence[str],
    collections: Sequence[str],
    where: str = "",
    order_by: Sequence[str] = (),
    limit: int | None = None,
) -> DataIdQueryResult:
    """Query data IDs; without dimensions those that the types of ``datasets`` have in common."""
    names = _constraining_types(butler, datasets, collections or ("*",))
    if not dimensions:
        if not names:
            raise InvalidInputError("Say which dimensions, or --datasets that have some in common.")
        groups = [butler.dataset_types.get(name).dimensions for name in names]
        common = groups[0]
        for group in groups[1:]:
            common &= group
        dimensions = common.names
    return butler.query_data_ids(
        dimensions,
        datasets=names,
        collections=_collections_of(butler, names, collections),
        where=where,
        order_by=order_by,
        limit=limit,
    )


def list_records(
    butler: Butler,
    element: str,
    *,
    datasets: Sequence[str],
    collections: Sequence[str],
    where: str = "",
    order_by: Sequence[str] = (),
    limit: int | None = None,
) -> RecordQueryResult:
    """Query the records of an element, perhaps only those for which datasets exist."""
    names = _constraining_types(butler, datasets, collections or ("*",))
    return butler.query_dimension_records(
        element,
        datasets=names,
        collections=_collections_of(butler, names, collections),
        where=where,
        order_by=order_by,
        limit=limit,
    )


def record_list_columns(records: RecordTable, *, ordered: bool = False) -> Columns:
    """Give records as columns to be shown, sorted by data ID; a region is the name of its kind, a time span is text."""
    keys = [column.name for column in records.element.key_columns][: len(records.element.required)]
    if len(records) and not ordered:
        order = np.lexsort([Categorical.encode(records.columns[key]).codes for key in reversed(keys)])
        records = records.take(order)
    columns: dict[str, Sequence[Any]] = {}
    for column in records.element.columns:
        if column.type == "timespan":
            pairs = zip(records.columns["timespan_begin"], records.columns["timespan_end"], strict=True)
            columns["timespan (TAI)"] = [
                None if begin == NULL_NS else str(Timespan.from_ns(int(begin), int(end))) for begin, end in pairs
            ]
        elif column.type == "region":
            # lsst-sphgeom takes a while to import, and most records have no region.
            from pachon.dimensions import region_from_bytes

            columns[column.name] = [
                None if region is None else type(region_from_bytes(region)).__name__
                for region in records.columns[column.name]
            ]
        elif column.type == "float":
            values = records.columns[column.name]
            columns[column.name] = [None if np.isnan(value) else float(value) for value in values]
        else:
            columns[column.name] = records.columns[column.name].tolist()
    return columns


def sorted_table(table: DatasetTable) -> DatasetTable:
    """Sort datasets by data ID, then run."""
    keys = [table.runs, *(table.data_ids.columns[name] for name in reversed(table.data_ids.group.required))]
    order: np.ndarray = np.lexsort([key.codes for key in keys])
    return table.take(order)


def _collections_of(butler: Butler, names: Sequence[str], collections: Sequence[str]) -> Sequence[str] | None:
    """Give the collections to be searched for datasets, globs resolved."""
    return butler.collections.query(collections or ("*",)) if names else None


def _queried_types(
    butler: Butler, globs: Sequence[str], collections: Sequence[str], order_by: Sequence[str], warnings: list[str]
) -> list[str]:
    """Give the dataset types that are listed one after the other; of several, the datasets have no common order."""
    known = _matching_types(butler, globs, collections, warnings)
    if order_by and len(known) > 1:
        raise InvalidInputError("--order-by needs a single dataset type.")
    return known


def _matching_types(butler: Butler, globs: Sequence[str], collections: Sequence[str], warnings: list[str]) -> list[str]:
    """Give the dataset types that match and of which the collections may hold datasets."""
    registered = [item.name for item in butler.dataset_types.query()]
    warnings.extend(
        f"No dataset type matches {glob!r}.{is_collection(butler, glob) or closest(glob, registered)}"
        for glob in globs
        if not butler.dataset_types.query(glob)
    )
    return [item.name for item in butler.dataset_types.query(globs, collections=collections)]


def is_collection(butler: Butler, name: str) -> str:
    """Give the end of a warning for a name that was given as a dataset type and is a collection, else an empty text."""
    if is_glob(name) or name not in butler.collections.query("*"):
        return ""
    return f" It is a collection: say --collections {name}."


def _never_held(butler: Butler, globs: Sequence[str], held: Sequence[str]) -> list[str]:
    """Give the types that are named, or match if nothing is held, and of which the collections never held any."""
    names = globs if held else list(globs) + [item.name for item in butler.dataset_types.query(globs)][:_MOST_ABSENT]
    wanted = {name for name in names if not is_glob(name)} - set(held)
    return [item.name for item in butler.dataset_types.query(globs) if item.name in wanted]


def _constraining_types(butler: Butler, globs: Sequence[str], collections: Sequence[str]) -> list[str]:
    """Give the types of which datasets must exist.

    A type that is named is one of them even if the collections never held any: then nothing satisfies the query.

    Raises
    ------
    NotFoundError
        If a name or glob matches no dataset type.
    """
    warnings: list[str] = []
    held = _matching_types(butler, globs, collections, warnings) if globs else []
    if warnings:
        raise NotFoundError(" ".join(warnings))
    return sorted([*held, *_never_held(butler, globs, held)]) if globs else []


def _with_uris(butler: Butler, table: DatasetTable) -> Columns:
    """Add the places of files; a row for each component of what was taken apart."""
    stored = [ref for ref, flags in butler.exists_many(table).items() if flags]
    uris = butler.get_uris(stored)
    rows: list[int] = []
    types: list[str] = []
    places: list[str] = []
    for row, ref in enumerate(table):
        found = uris.get(ref)
        if found is None:
            files = {"": ""}
        elif found.primary is not None:
            files = {"": str(found.primary)}
        else:
            files = {f".{component}": str(place) for component, place in found.components.items()}
        for component, place in files.items():
            rows.append(row)
            types.append(f"{ref.dataset_type.name}{component}")
            places.append(place)
    columns = dict(_plain(dataset_columns([table.take(np.array(rows, dtype=np.int64))])))
    return {**columns, "type": types, "URI": places}


def _plain(columns: Mapping[str, Categorical | np.ndarray]) -> Columns:
    return {name: column.tolist() for name, column in columns.items()}
