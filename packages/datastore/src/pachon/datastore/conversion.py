# SPDX-License-Identifier: BSD-3-Clause
"""What happens to an object after it was read: parameters that are left, and conversion to what the caller wants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pachon.base import PachonError
from pachon.datasets import DatasetRef, StorageClass, StorageClasses
from pachon.datastore.errors import UnknownParameterError

__all__ = ["apply_parameters", "check_parameters", "coerce", "known_parameters", "known_to"]


def known_parameters(storage_classes: StorageClasses, *members: StorageClass) -> frozenset[str]:
    """Give the parameters that reads of these storage classes may have: their own and those of stored components."""
    known: set[str] = set()
    for member in members:
        known |= member.parameters
        for component in member.components.values():
            known |= storage_classes.get(component).parameters
    return frozenset(known)


def known_to(
    storage_classes: StorageClasses, storage_class: StorageClass, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Give those of the parameters that a storage class knows."""
    known = known_parameters(storage_classes, storage_class)
    return {name: value for name, value in parameters.items() if name in known}


def check_parameters(parameters: Iterable[str], storage_class: StorageClass, known: frozenset[str]) -> None:
    """Refuse parameters that nobody knows, before anything is read.

    Raises
    ------
    UnknownParameterError
        Names them, and those that there are.
    """
    unknown = set(parameters) - known
    if unknown:
        raise UnknownParameterError(storage_class.name, unknown, known)


def apply_parameters(obj: Any, storage_class: StorageClass, parameters: Mapping[str, Any]) -> Any:
    """Let the delegate apply the parameters that the formatter left."""
    return storage_class.delegate().handle_parameters(obj, parameters) if parameters else obj


def coerce(obj: Any, storage_class: StorageClass, ref: DatasetRef) -> Any:
    """Make an object of the storage class that is wanted; None stays None.

    Raises
    ------
    InvalidInputError
        If there is no conversion.
    """
    try:
        return storage_class.coerce(obj)
    except PachonError as error:
        error.add_note(f"It was read from dataset {ref.dataset_type.name!r} ({ref.id}).")
        raise
