# SPDX-License-Identifier: BSD-3-Clause
"""The models of a universe file, for one that is not as it should be at first sight: what is wrong, or written in another way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pachon.base import FormatError

__all__ = ["ColumnModel", "ElementModel", "TopologyModel", "UniverseModel", "validate_document"]


class ColumnModel(BaseModel):
    """A key or a field of an element."""

    model_config = ConfigDict(extra="allow")
    name: str
    type: Literal["int", "string", "hash", "float", "bool"]
    doc: str | None = ""
    nullable: bool = True
    length: int | None = Field(default=None, gt=0)
    nbytes: int | None = Field(default=None, gt=0)


class ElementModel(BaseModel):
    """A dimension element."""

    model_config = ConfigDict(extra="allow")
    doc: str | None = ""
    keys: list[ColumnModel] = Field(default_factory=list)
    requires: list[str] = Field(default_factory=list)
    implies: list[str] = Field(default_factory=list)
    metadata: list[ColumnModel] = Field(default_factory=list)
    governor: bool = False
    is_cached: bool = False
    implied_union_target: str | None = None
    always_join: bool = False
    populated_by: str | None = None
    storage: dict[str, Any] | None = None


class TopologyModel(BaseModel):
    """Which elements have regions and time spans."""

    model_config = ConfigDict(extra="allow")
    spatial: dict[str, list[str]] = Field(default_factory=dict)
    temporal: dict[str, list[str]] = Field(default_factory=dict)


class UniverseModel(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="allow")
    version: int
    namespace: str = "daf_butler"
    skypix: dict[str, Any]
    elements: dict[str, ElementModel]
    topology: TopologyModel = Field(default_factory=TopologyModel)


def validate_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give the document with every value of its type.

    Raises
    ------
    FormatError
        If a key is missing, or a value has a wrong type.
    """
    try:
        return UniverseModel.model_validate(dict(document)).model_dump(exclude_unset=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        what = "" if first["type"] == "missing" else f" (it is {first['input']!r})"
        raise FormatError(f"The universe file is wrong at {where}: {first['msg']}{what}.") from None
