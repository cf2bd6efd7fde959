# SPDX-License-Identifier: BSD-3-Clause
"""The models of ``butler.yaml``, for one that is not as it should be at first sight: what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pachon.base import closest
from pachon.base.hidden_secrets import hide_secrets
from pachon.butler.errors import RepositoryConfigError

__all__ = ["DatabaseModel", "RepositoryModel", "validate_document"]


class DatabaseModel(BaseModel):
    """The section ``database``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: str = ""
    replica_url: str | None = None


class RepositoryModel(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    pachon: Literal[1]
    root: str | None = None
    database: DatabaseModel = Field(default_factory=DatabaseModel)
    datastore: dict[str, Any] = Field(default_factory=dict)
    storage_classes: dict[str, dict[str, Any] | None] = Field(default_factory=dict)
    allowed_modules: list[str] = Field(default_factory=list)


def validate_document(content: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Give what the file says.

    Raises
    ------
    RepositoryConfigError
        One sentence a mistake.
    """
    try:
        return RepositoryModel.model_validate(dict(content)).model_dump(exclude_unset=True)
    except ValidationError as error:
        raise RepositoryConfigError(" ".join(_complaints(error, source))) from None


def _complaints(error: ValidationError, source: str) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=False):
        path = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            model = DatabaseModel if path.startswith("database.") else RepositoryModel
            known = list(model.model_fields)
            yield f"Unknown key {path!r} in {source}.{closest(str(problem['loc'][-1]), known)}"
        elif path.startswith("database"):
            # The URL of a database may hold a password.
            yield f"{source}: {path}: {problem['msg']}."
        else:
            yield f"{source}: {path}: {problem['msg']} (it is {hide_secrets(repr(problem['input']))})."
