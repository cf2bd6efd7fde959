# SPDX-License-Identifier: BSD-3-Clause
"""The repository index: short labels for repositories, set up by whoever looks after a site."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from pachon.base import FormatError, InvalidInputError, PachonError
from pachon.base.plain_yaml import load_plain_yaml
from pachon.base.utf8 import decode_text
from pachon.resources import ResourcePath

__all__ = ["INDEX_TEXT", "INDEX_URI", "RepositoryIndex", "get_known_repositories", "read_index"]

INDEX_URI = "PACHON_REPOSITORY_INDEX"
"""Environment variable with the URI of a YAML or JSON mapping of labels to repository URIs."""
INDEX_TEXT = "PACHON_REPOSITORIES"
"""Environment variable that holds the mapping itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryIndex:
    """The labels that are known, or why they are not."""

    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    problem: str = ""
    """What went wrong when the index was read; empty if nothing did."""

    def describe(self) -> str:
        """Give the end of a message about a repository that was not found."""
        if self.problem:
            return f" The repository index could not be read: {self.problem}"
        if self.labels:
            return f" Known labels are {', '.join(sorted(self.labels))}."
        return ""


def read_index(environment: Mapping[str, str] | None = None) -> RepositoryIndex:
    """Read the index that the environment names; a failure is part of the answer, not an exception."""
    variables = os.environ if environment is None else environment
    uri, text = variables.get(INDEX_URI, ""), variables.get(INDEX_TEXT, "")
    try:
        if uri and text:
            raise InvalidInputError(f"Both {INDEX_URI} and {INDEX_TEXT} are set; unset one.")
        return RepositoryIndex(labels=_read(uri) if uri else _parse(text, INDEX_TEXT))
    except (PachonError, OSError) as error:
        return RepositoryIndex(problem=str(error))


def get_known_repositories() -> Mapping[str, str]:
    """Give the URI of each labelled repository.

    Raises
    ------
    InvalidInputError
        If the index cannot be read.
    """
    index = read_index()
    if index.problem:
        raise InvalidInputError(f"The repository index could not be read: {index.problem}")
    return index.labels


@cache
def _read(uri: str) -> Mapping[str, str]:
    """Read an index file, once a process."""
    return _parse(decode_text(ResourcePath(uri).read(), uri), uri)


def _parse(text: str, source: str) -> Mapping[str, str]:
    content: Any = load_plain_yaml(text, source) or {}
    if not isinstance(content, dict) or not all(isinstance(x, str) for pair in content.items() for x in pair):
        raise FormatError(f"{source} must be a mapping of labels to repository URIs.")
    return MappingProxyType(content)
