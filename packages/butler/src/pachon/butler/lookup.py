# SPDX-License-Identifier: BSD-3-Clause
"""From what a caller wrote (type, data ID, collections, time) to what the registry is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pachon.base import InvalidInputError
from pachon.butler.data_id_rewriting import RecordSearch, is_plain, rewrite_data_id
from pachon.butler.defaults import as_collections
from pachon.butler.session import Session
from pachon.datasets import DatasetType
from pachon.dimensions import DataCoordinate, DataIdTable, DimensionGroup, DimensionRecord, Timespan
from pachon.registry import DatasetTypeError, NoDefaultCollectionError

__all__ = [
    "DataId",
    "Request",
    "data_id_table",
    "resolve_collections",
    "resolve_data_id",
    "resolve_request",
    "resolve_type",
    "resolve_values",
]

DataId = DataCoordinate | Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One dataset that somebody asks for."""

    registered: DatasetType
    """The type as it is registered."""
    wanted: DatasetType
    """The view of it that is wanted: itself, a component, or another storage class."""
    data_id: DataCoordinate
    timespan: Timespan | None
    """When a calibration must be valid; None if the data ID does not say."""
    time_unknown: bool = False
    """Whether the data ID names an exposure, or something else with a time, whose record does not say when it was."""


def resolve_type(
    session: Session, dataset_type: DatasetType | str, *, writing: bool = False
) -> tuple[DatasetType, DatasetType]:
    """Give a dataset type as it is registered, and as it is wanted.

    Parameters
    ----------
    session
        The open butler.
    dataset_type
        Its name, that of a component, or an object, whose storage class may differ.
    writing
        Whether an object of that storage class is to be stored, not read.

    Raises
    ------
    InvalidInputError
        If it is none of these: None, for example, is what `find_dataset` gives if there is no dataset.
    MissingDatasetTypeError
        If it is not registered.
    DatasetTypeError
        If it is registered with other dimensions, or a storage class that does not convert.
    """
    anything: object = dataset_type
    if not isinstance(anything, str | DatasetType):
        what = "None" if anything is None else f"an object of type {type(anything).__name__}"
        hint = " get_dataset(UUID) gives the reference of an id." if isinstance(anything, UUID) else ""
        raise InvalidInputError(f"A dataset type, its name, or a reference is needed, not {what}.{hint}")
    if isinstance(dataset_type, str):
        name, _, component = dataset_type.partition(".")
        registered = session.registry.dataset_types.get(name)
        if not component:
            return registered, registered
        return registered, registered.component_type(component, session.storage_classes)
    registered = session.registry.dataset_types.get(dataset_type.parent_name)
    given = dataset_type.conform(session.universe)
    if given == registered:
        return registered, registered
    if given.dimensions != registered.dimensions or given.is_calibration != registered.is_calibration:
        raise DatasetTypeError(f"{given!r} is registered as {registered!r}.")
    if given.component is None:
        plain = registered
    else:
        plain = registered.component_type(given.component, session.storage_classes)
    _check_conversion(session, plain, given, writing=writing)
    return registered, plain.with_storage_class(given.storage_class)


def _check_conversion(session: Session, registered: DatasetType, given: DatasetType, *, writing: bool) -> None:
    stored = session.storage_classes.get(registered.storage_class)
    asked = session.storage_classes.get(given.storage_class)
    converts = stored.can_convert(asked) if writing else asked.can_convert(stored)
    if not converts:
        verb = "stored as" if writing else "read from"
        raise DatasetTypeError(
            f"Dataset type {given.name!r} with storage class {asked.name!r} cannot be {verb} {stored.name!r}, "
            "which is registered."
        )


def resolve_data_id(
    session: Session, dataset_type: DatasetType, data_id: DataId | None, dims: Mapping[str, Any]
) -> DataCoordinate:
    """Give a data ID of the dimensions of a dataset type; alternate spellings and defaults are understood."""
    group = dataset_type.dimensions
    if isinstance(data_id, DataCoordinate) and not dims and data_id.group is group:
        return data_id
    return DataCoordinate.standardize(_values(session, dataset_type, data_id, dims), dimensions=group)


def data_id_table(
    session: Session, dataset_type: DatasetType | str, data_ids: DataIdTable | Iterable[DataId]
) -> DataIdTable:
    """Give data IDs of the dimensions of a dataset type as a table; one that is a table stays as it is."""
    if isinstance(data_ids, DataIdTable):
        return data_ids
    registered, _ = resolve_type(session, dataset_type)
    rows = [resolve_data_id(session, registered, data_id, {}) for data_id in data_ids]
    return DataIdTable.from_rows(registered.dimensions, rows)


def resolve_request(
    session: Session,
    dataset_type: DatasetType | str,
    data_id: DataId | None,
    dims: Mapping[str, Any],
    timespan: Timespan | None = None,
) -> Request:
    """Give what is asked for; of a calibration also the time, if the data ID names one."""
    given: object = timespan
    if given is not None and not isinstance(given, Timespan):
        raise InvalidInputError(f"A time is given as Timespan; got {timespan!r}.")
    registered, wanted = resolve_type(session, dataset_type)
    group = registered.dimensions
    if isinstance(data_id, DataCoordinate) and not dims and data_id.group is group:
        return Request(registered=registered, wanted=wanted, data_id=data_id, timespan=timespan)
    values = _values(session, registered, data_id, dims)
    time_unknown = False
    if registered.is_calibration and (timespan is None or any(name not in values for name in group.required)):
        further = _with_further_keys(session, registered, values)
        if further is not None:
            timespan = further.timespan if timespan is None else timespan
            time_unknown = timespan is None
            values = {**{name: further.mapping[name] for name in group.required}, **values}
    found = DataCoordinate.standardize(values, dimensions=group)
    return Request(registered=registered, wanted=wanted, data_id=found, timespan=timespan, time_unknown=time_unknown)


def resolve_values(session: Session, data_id: DataId | None, dims: Mapping[str, Any]) -> DataCoordinate:
    """Give a data ID of the dimensions that are named; alternate spellings and defaults are understood.

    A key that is no dimension (``seq_num``) must be written with its dimension (``exposure.seq_num``).
    """
    if isinstance(data_id, DataCoordinate) and not dims:
        return data_id
    given = _merged(data_id, dims)
    universe = session.universe
    names = {key.partition(".")[0] for key in given}
    group = universe.conform(name for name in names if name in universe.dimensions)
    values = _rewritten(session, given, group, is_calibration=False)
    return DataCoordinate.standardize(values, dimensions=group)


def resolve_collections(session: Session, collections: str | Iterable[str] | None) -> tuple[str, ...]:
    """Give the collections to be searched: those given, else the defaults.

    Raises
    ------
    NoDefaultCollectionError
        If there are neither.
    """
    names = as_collections(collections)
    if names is None:
        names = session.defaults.collections
    if names is None:
        raise NoDefaultCollectionError(
            "No collections were given, and the butler has no default ones; pass collections=... here or to Butler.open."
        )
    return names


def _values(
    session: Session, dataset_type: DatasetType, data_id: DataId | None, dims: Mapping[str, Any]
) -> dict[str, Any]:
    """Merge what was given, and bring it to values of dimensions."""
    given = _merged(data_id, dims)
    return _rewritten(session, given, dataset_type.dimensions, is_calibration=dataset_type.is_calibration)


def _merged(data_id: DataId | None, dims: Mapping[str, Any]) -> dict[str, Any]:
    if data_id is None:
        return dict(dims)
    if isinstance(data_id, DataCoordinate):
        return {**data_id.given, **data_id.mapping, **dims}
    if isinstance(data_id, Mapping):
        return {**data_id, **dims}
    raise InvalidInputError(f"A data ID is a mapping of dimensions to values; got {data_id!r}.")


def _rewritten(
    session: Session, given: Mapping[str, Any], group: DimensionGroup, *, is_calibration: bool
) -> dict[str, Any]:
    """Bring alternate spellings to values of dimensions, and add defaults."""
    lacking = [name for name in group.governors if name not in given]
    if not lacking and not is_calibration and is_plain(given, group):
        return dict(given)
    defaults = session.default_values(lacking) if lacking or is_calibration else {}
    values = rewrite_data_id(
        given,
        group,
        defaults=defaults,
        is_calibration=is_calibration,
        fetch_records=lambda search: fetch_records(session, search),
    )
    return {**{name: value for name, value in defaults.items() if name in group}, **values}


def _with_further_keys(session: Session, dataset_type: DatasetType, values: Mapping[str, Any]) -> DataCoordinate | None:
    """Expand a data ID that has keys beside those of a calibration: ``exposure=12`` tells the time, and the filter."""
    universe = session.universe
    if all(name in dataset_type.dimensions for name in values):
        return None
    group = universe.conform(
        [*dataset_type.dimensions.required, *(name for name in values if name in universe.dimensions)]
    )
    if not group.temporal:
        return None
    return session.registry.dimension_records.expand(DataCoordinate.standardize(values, dimensions=group))


def fetch_records(session: Session, search: RecordSearch) -> Iterator[DimensionRecord]:
    """Find the records of a search."""
    terms = [(f"{search.element}.{name}", value) for name, value in search.fields.items()]
    terms += [(name, value) for name, value in search.known.items()]
    where = " AND ".join(f"{name} = :value_{number}" for number, (name, _) in enumerate(terms))
    bind = {f"value_{number}": value for number, (_, value) in enumerate(terms)}
    return iter(session.registry.query.records(search.element, where=where, bind=bind))
