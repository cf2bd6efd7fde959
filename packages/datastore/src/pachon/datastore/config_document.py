# SPDX-License-Identifier: BSD-3-Clause
"""The documents in which datastore configurations are written, as models: for one that does not fit at first sight."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pachon.base import closest
from pachon.datastore.config_data import frozen_data, plain_data
from pachon.datastore.errors import DatastoreConfigError

__all__ = [
    "CompositesDocument",
    "ConstraintsDocument",
    "FileDocument",
    "FormatterDocument",
    "MemoryDocument",
    "StrictDocument",
    "read_document",
]

M = TypeVar("M", bound=BaseModel)


class StrictDocument(BaseModel):
    """A document in which unknown keys and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ConstraintsDocument(StrictDocument):
    """The section ``constraints``."""

    accept: list[str | dict[str, list[str]]] = Field(default_factory=list)
    reject: list[str | dict[str, list[str]]] = Field(default_factory=list)


class CompositesDocument(StrictDocument):
    """The section ``composites``."""

    default: bool = False
    disassembled: dict[str, bool | dict[str, bool]] = Field(default_factory=dict)


class FormatterDocument(StrictDocument):
    """One entry of the section ``formatters``, in the long form."""

    formatter: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class FileDocument(StrictDocument):
    """The section ``datastore`` of type ``file``."""

    name: str = Field(min_length=1, max_length=128)
    root: str = "<butlerRoot>"
    create: bool = True
    checksum: bool = True
    verify_checksum: bool = False
    group_writable: bool = False
    constraints: ConstraintsDocument = Field(default_factory=ConstraintsDocument)
    templates: dict[str, str | dict[str, str]] = Field(default_factory=dict)
    formatters: dict[str, Any] = Field(default_factory=dict)
    composites: CompositesDocument = Field(default_factory=CompositesDocument)
    allow_pickle: bool = False


class MemoryDocument(StrictDocument):
    """The section ``datastore`` of type ``memory``."""

    name: str = Field(min_length=1, max_length=128)
    constraints: ConstraintsDocument = Field(default_factory=ConstraintsDocument)
    copy_on_get: Literal["never", "delegate", "deepcopy"] = "delegate"


def read_document(model: type[M], content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Check a document and give what it sets, by field name; sections become immutable mappings.

    Raises
    ------
    DatastoreConfigError
        One sentence a mistake.
    """
    try:
        document = model.model_validate(plain_data(content))
    except ValidationError as error:
        raise DatastoreConfigError(" ".join(_complaints(error, model, where))) from error
    return {name: frozen_data(item) for name, item in document.model_dump(exclude_unset=True).items()}


def _complaints(error: ValidationError, model: type[BaseModel], where: str) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=False):
        location = [str(part) for part in problem["loc"]]
        path = ".".join((where, *location))
        if problem["type"] == "extra_forbidden":
            known = _known_keys(model, location[:-1])
            yield f"Unknown key {path!r}.{closest(location[-1], known)}"
        elif problem["type"] == "missing":
            yield f"{path} is missing."
        else:
            yield f"{path}: {problem['msg']} (it is {problem['input']!r})."


def _known_keys(model: type[BaseModel], path: list[str]) -> list[str]:
    for name in path:
        field = model.model_fields.get(name)
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return []
        model = field.annotation
    return list(model.model_fields)
