# SPDX-License-Identifier: BSD-3-Clause
"""Alternate spellings of data IDs in calls by people, brought to values of dimensions.

============================================  ==========================================================
given                                         meaning
============================================  ==========================================================
``exposure=12``                               the primary key: used as it is
``detector="S01"`` (the key is an integer)    the first alternate key of that type: ``detector.full_name``
``{"exposure.obs_id": "x"}``                  a field of the record of that dimension
``day_obs=20260101, seq_num=5``               ``seq_num`` is no dimension: a field of a dimension of the
                                              dataset type, here ``exposure``; ``day_obs`` is a dimension
                                              and narrows the search
``raft="R22", name_in_raft="S11"``            fields of ``detector``
============================================  ==========================================================

`plan_rewriting` is pure: it says which records have to be looked up. `rewrite_data_id` looks them up through a function
that it is given. Exactly one record must match each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pachon.base import closest
from pachon.dimensions import DataIdValueError, DimensionElement, DimensionGroup, DimensionRecord

__all__ = ["RecordSearch", "RewritingPlan", "is_plain", "plan_rewriting", "rewrite_data_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSearch:
    """A record to be found: of which element, and what is known of it."""

    element: str
    fields: Mapping[str, Any]
    """Fields of the record (metadata and keys) that must have these values."""
    known: Mapping[str, Any]
    """Values of dimensions that the record must have."""

    def describe(self) -> str:
        """Give the conditions as text."""
        both = {**self.known, **{f"{self.element}.{name}": value for name, value in self.fields.items()}}
        return ", ".join(f"{name}={value!r}" for name, value in both.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class RewritingPlan:
    """A data ID taken apart: values of dimensions, and conditions on records by dimension."""

    values: Mapping[str, Any]
    conditions: Mapping[str, Mapping[str, Any]]


_PYTHON_TYPES: Final[Mapping[str, type]] = {"int": int, "string": str}

FetchRecords = Callable[[RecordSearch], Iterable[DimensionRecord]]


def rewrite_data_id(
    given: Mapping[str, Any],
    group: DimensionGroup,
    *,
    defaults: Mapping[str, Any],
    is_calibration: bool,
    fetch_records: FetchRecords,
) -> dict[str, Any]:
    """Bring the keys of a data ID to dimensions.

    Parameters
    ----------
    given
        Keys and values as the caller wrote them.
    group
        The dimensions that the data ID is wanted for.
    defaults
        Values of governor dimensions to be used where none is given.
    is_calibration
        Whether fields of temporal dimensions outside ``group`` make sense too: they choose the time.
    fetch_records
        Finds the records of a search.

    Raises
    ------
    DataIdValueError
        If a key is unknown, or not exactly one record matches, or it contradicts a value that was given.
    """
    if is_plain(given, group):
        return dict(given)
    plan = plan_rewriting(given, group, is_calibration=is_calibration)
    values = dict(plan.values)
    for dimension, fields in plan.conditions.items():
        record = _find_one(group, dimension, fields, {**defaults, **values}, fetch_records)
        values |= {name: record.key(name) for name in record.element.required if name not in values}
    return values


def is_plain(given: Mapping[str, Any], group: DimensionGroup) -> bool:
    """Tell whether all keys are dimensions with values of their primary keys, so that there is nothing to rewrite."""
    columns, dimensions = group.key_columns, group.universe.dimensions
    for key, value in given.items():
        column = columns.get(key)
        if column is None:
            if key not in dimensions:
                return False
            column = dimensions[key].primary_key
        if _PYTHON_TYPES.get(column.type) is not type(value):
            return False
    return True


def plan_rewriting(given: Mapping[str, Any], group: DimensionGroup, *, is_calibration: bool) -> RewritingPlan:
    """Say which keys are values of dimensions and which are conditions on records.

    Raises
    ------
    DataIdValueError
        If a key is neither, or could be a field of several dimensions.
    """
    dimensions = group.universe.dimensions
    values: dict[str, Any] = {}
    conditions: dict[str, dict[str, Any]] = {}
    bare: dict[str, Any] = {}
    for key, value in given.items():
        dimension, dot, field = key.partition(".")
        if (
            dot
            and dimension in dimensions
            and field in (*dimensions[dimension].required, *dimensions[dimension].implied)
        ):
            # exposure.day_obs is the dimension day_obs.
            _keep(values, field, value, key)
        elif dot:
            _check_field(group, dimension, field)
            conditions.setdefault(dimension, {})[field] = value
        elif key not in dimensions:
            bare[key] = value
        elif (alternate := _alternate_key(dimensions[key], value)) is not None:
            conditions.setdefault(key, {})[alternate] = value
        else:
            _keep(values, key, value, key)
    for key, dimension in _owners_of_fields(bare, group, is_calibration, conditions).items():
        conditions.setdefault(dimension, {})[key] = bare[key]
    # The primary key spelled as a field (exposure.id) is the value itself.
    for dimension in list(conditions):
        primary = dimensions[dimension].primary_key.name
        if primary in conditions[dimension]:
            _keep(values, dimension, conditions[dimension].pop(primary), f"{dimension}.{primary}")
            if not conditions[dimension]:
                del conditions[dimension]
    order = {name: conditions[name] for name in group.universe.sorted(conditions)}
    return RewritingPlan(values=values, conditions=order)


def _keep(values: dict[str, Any], dimension: str, value: Any, spelling: str) -> None:
    """Note the value of a dimension; two different ones are an error."""
    if values.setdefault(dimension, value) != value:
        raise DataIdValueError(f"{dimension}={values[dimension]!r} and {spelling}={value!r} contradict each other.")


def _check_field(group: DimensionGroup, dimension: str, field: str) -> None:
    dimensions = group.universe.dimensions
    if dimension not in dimensions:
        raise DataIdValueError(f"There is no dimension {dimension!r}.{closest(dimension, dimensions)}")
    names = _searchable(dimensions[dimension])
    if field not in names:
        raise DataIdValueError(f"{dimension!r} has no field {field!r}.{closest(field, names)}")


def _searchable(element: DimensionElement) -> tuple[str, ...]:
    return tuple(column.name for column in (*element.keys, *element.metadata))


def _alternate_key(element: DimensionElement, value: Any) -> str | None:
    """Give the alternate key that a value is of, if it is not of the type of the primary key."""
    found = _type_of(value)
    if found is None or found == element.primary_key.type:
        return None
    return next((key.name for key in element.alternate_keys if key.type == found), None)


def _type_of(value: Any) -> str | None:
    if isinstance(value, str):
        return "string"
    if hasattr(value, "__index__") and not isinstance(value, bool):
        return "int"
    return None


def _owners_of_fields(
    bare: Mapping[str, Any],
    group: DimensionGroup,
    is_calibration: bool,
    conditions: Mapping[str, Mapping[str, Any]],
) -> dict[str, str]:
    """Choose for each bare key the dimension whose field it is."""
    if not bare:
        return {}
    dimensions = group.universe.dimensions
    candidates = {name: dimensions[name] for name in group.names}
    if is_calibration:
        candidates |= {name: element for name, element in dimensions.items() if element.temporal is not None}
    owners = {key: [n for n, e in candidates.items() if key in _searchable(e)[1:]] for key in bare}
    unknown = [key for key, names in owners.items() if not names]
    if unknown:
        fields = [field for element in candidates.values() for field in _searchable(element)[1:]]
        known = {*dimensions, *fields}
        raise DataIdValueError(
            f"The data ID has unknown keys: {', '.join(unknown)}.{closest(unknown[0], known)} "
            f"Dimensions here are {', '.join(group.names) or 'none'}."
        )
    return {key: _choose(key, names, owners, group, conditions) for key, names in owners.items()}


def _choose(
    key: str,
    names: list[str],
    owners: Mapping[str, list[str]],
    group: DimensionGroup,
    conditions: Mapping[str, Mapping[str, Any]],
) -> str:
    preferences: tuple[Callable[[str], bool | int], ...] = (
        lambda name: name in group.required,
        lambda name: name in group,
        lambda name: len(conditions.get(name, ())) + sum(name in other for other in owners.values()),
    )
    for preference in preferences:
        best = max(preference(name) for name in names)
        names = [name for name in names if preference(name) == best]
    if set(names) == {"exposure", "visit"}:
        return "exposure"
    if len(names) > 1:
        spelled = " or ".join(f"{name}.{key}" for name in names)
        raise DataIdValueError(f"{key!r} could be {spelled}; write which.")
    return names[0]


def _find_one(
    group: DimensionGroup,
    dimension: str,
    fields: Mapping[str, Any],
    values: Mapping[str, Any],
    fetch_records: FetchRecords,
) -> DimensionRecord:
    own = group.universe.group_of(dimension)
    known = {name: value for name, value in values.items() if name in own}
    search = RecordSearch(element=dimension, fields=fields, known=known)
    found = list(fetch_records(search))
    if len(found) > 1 and dimension == "visit":
        found = _of_preferred_visit_system(group, found, fetch_records) or found
    if len(found) == 1:
        return found[0]
    number = "No" if not found else str(len(found))
    noun = "record" if len(found) <= 1 else "records"
    advice = "" if not found else " Add what tells them apart."
    raise DataIdValueError(f"{number} {dimension} {noun} with {search.describe()}; exactly one is needed.{advice}")


def _of_preferred_visit_system(
    group: DimensionGroup, visits: list[DimensionRecord], fetch_records: FetchRecords
) -> list[DimensionRecord]:
    """Keep the visits of the visit system that their instrument prefers, where the universe has such a thing."""
    if "visit_system_membership" not in group.universe or len({visit.key("instrument") for visit in visits}) != 1:
        return []
    instrument = visits[0].key("instrument")
    owner = next(iter(fetch_records(_of_instrument("instrument", instrument))), None)
    preferred = None if owner is None else owner.get("visit_system")
    if preferred is None:
        return []
    return [
        visit
        for visit in visits
        if any(
            member.key("visit_system") == preferred
            for member in fetch_records(_of_instrument("visit_system_membership", instrument, visit=visit.key("visit")))
        )
    ]


def _of_instrument(element: str, instrument: Any, **known: Any) -> RecordSearch:
    return RecordSearch(element=element, fields={}, known={"instrument": instrument, **known})
