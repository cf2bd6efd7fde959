# SPDX-License-Identifier: BSD-3-Clause
"""What the dimension records of a data ID say about an observation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pachon.base import InvalidInputError

__all__ = ["exposure_seconds", "find_record", "is_wanted", "select_inputs"]


def find_record(data_id: Any, element: str) -> Any:
    """Find the record of a dimension element; None if the data ID does not carry it."""
    records = getattr(data_id, "records", None)
    if records is None or element not in data_id.group.elements:
        return None
    return records.get(element)


def exposure_seconds(data_id: Any, header: Mapping[str, Any]) -> float:
    """Give how long an exposure was: from its record, else from the header card ``EXPTIME``.

    Raises
    ------
    InvalidInputError
        If neither says it.
    """
    record = find_record(data_id, "exposure")
    seconds = None if record is None else record.exposure_time
    if seconds is None:
        seconds = header.get("EXPTIME")
    if seconds is None:
        raise InvalidInputError(f"Neither the exposure record nor the header of {data_id} says how long it is.")
    return float(seconds)


def is_wanted(data_id: Any, types: Collection[str], excluded_reasons: Collection[str] = ()) -> bool:
    """Tell whether an exposure is of one of some types; one whose record is not at hand is."""
    record = find_record(data_id, "exposure")
    if record is None:
        return True
    if types and record.observation_type not in types:
        return False
    return record.observation_reason not in excluded_reasons


def select_inputs(
    inputs: Mapping[str, tuple[Any, Collection[Any]]],
    name: str,
    types: Collection[str],
    excluded_reasons: Collection[str] = (),
) -> dict[str, tuple[Any, Sequence[Any]]]:
    """Leave out, in a connection's ``adjust_quantum``, datasets of exposures that are not wanted."""
    if name not in inputs:
        return {}
    connection, refs = inputs[name]
    kept = [ref for ref in refs if is_wanted(ref.data_id, types, excluded_reasons)]
    return {} if len(kept) == len(refs) else {name: (connection, kept)}
