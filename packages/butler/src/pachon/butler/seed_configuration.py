# SPDX-License-Identifier: BSD-3-Clause
"""Seed configurations of LSST's packages, read when a repository is created.

The sections ``datastore``, ``registry`` and ``storageClasses`` become settings of ours; class names become registered names by
the tables of `pachon.datastore`, and nothing is imported. YAML may hold ``!include file`` (a scalar, a list or a mapping of
files), and ``includeConfigs`` at any level: a file or list of files whose content lies below what stands beside it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from pachon.base import closest
from pachon.base.utf8 import decode_text
from pachon.butler.errors import RepositoryConfigError
from pachon.resources import ResourcePath

__all__ = ["SeedConfiguration", "read_seed_configuration"]

_SECTIONS = ("datastore", "registry", "storageClasses", "root", "repo_transfer_formats")
_REGISTRY_KEYS = ("db", "namespace", "managers", "dialects", "engines", "cls", "limited", "sqlite")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedConfiguration:
    """What a seed says about a new repository."""

    database_url: str | None = None
    datastore: Mapping[str, Any] = field(default_factory=dict)
    storage_classes: Mapping[str, Any] = field(default_factory=dict)


def read_seed_configuration(uri: str, *, override: bool = False) -> SeedConfiguration:
    """Read a seed configuration.

    Parameters
    ----------
    uri
        The YAML file.
    override
        Let the seed say where the datastore's root is; otherwise it is the folder of the repository.

    Raises
    ------
    RepositoryConfigError
        If a section or a class name has no meaning here; the message names the key.
    """
    source = ResourcePath(uri)
    content = _read_yaml(source)
    if not isinstance(content, Mapping):
        raise RepositoryConfigError(f"The seed configuration {uri} must be a mapping.")
    _check_keys(content, _SECTIONS, "", uri)
    registry = content.get("registry") or {}
    _check_keys(registry, _REGISTRY_KEYS, "registry.", uri)
    datastore = dict(content.get("datastore") or {})
    if not override:
        datastore.pop("root", None)
    datastore.pop("records", None)  # the name of a table in LSST's schema
    return SeedConfiguration(
        database_url=registry.get("db"),
        datastore=datastore,
        storage_classes=content.get("storageClasses") or {},
    )


def _check_keys(section: Mapping[str, Any], known: tuple[str, ...], prefix: str, uri: str) -> None:
    for key in section:
        if key not in known:
            raise RepositoryConfigError(f"The seed {uri} has an unknown key '{prefix}{key}'.{closest(str(key), known)}")


def _read_yaml(source: ResourcePath) -> Any:
    """Read a YAML file and all that it includes."""
    text = decode_text(source.read(), str(source))
    try:
        content = yaml.load(text, Loader=_loader(lambda name: _read_yaml(_beside(source, name))))  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        raise RepositoryConfigError(f"{source} is not YAML: {' '.join(str(error).split())}") from error
    return _with_included(content, source)


def _loader(read: Callable[[str], Any]) -> type[yaml.SafeLoader]:
    """Make a safe loader that also knows ``!include``."""

    def include(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return read(str(loader.construct_scalar(node)))
        if isinstance(node, yaml.SequenceNode):
            return [read(str(name)) for name in loader.construct_sequence(node)]
        if isinstance(node, yaml.MappingNode):
            return {key: read(str(name)) for key, name in loader.construct_mapping(node).items()}
        raise RepositoryConfigError(f"!include needs a file name, a list or a mapping: {node.start_mark}")

    class IncludingLoader(yaml.SafeLoader):
        """Reads what is included."""

    IncludingLoader.add_constructor("!include", include)
    return IncludingLoader


def _beside(source: ResourcePath, name: str) -> ResourcePath:
    """Find a file that is included: relative to the file that names it."""
    return ResourcePath(os.path.expandvars(name), root=source.parent())


def _with_included(content: Any, source: ResourcePath) -> Any:
    """Merge the files that ``includeConfigs`` names, later ones over earlier ones, and what stands beside it over all."""
    if isinstance(content, list):
        return [_with_included(item, source) for item in content]
    if not isinstance(content, dict):
        return content
    own = {key: _with_included(value, source) for key, value in content.items() if key != "includeConfigs"}
    names = content.get("includeConfigs") or ()
    merged: Any = {}
    for name in (names,) if isinstance(names, str) else names:
        expanded = os.path.expandvars(name)
        here = ResourcePath(expanded)
        merged = merge(merged, _read_yaml(here if here.exists() else _beside(source, name)))
    return merge(merged, own)


def merge(below: Any, above: Any) -> Any:
    """Lay one document over another: mappings key by key, anything else replaces.

    Examples
    --------
    >>> merge({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}, "d": None})
    {'a': {'b': 1, 'c': [2]}, 'd': None}
    """
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    merged = dict(below)
    for key, value in above.items():
        merged[key] = merge(merged[key], value) if key in merged else value
    return merged
