# SPDX-License-Identifier: BSD-3-Clause
"""What pipelines need of an instrument, and how an instrument is found by name.

An instrument is named by its registered name (entry point of group ``pachon.instruments``), by an alias (the class
names that other systems use for it), by a mapping file, or by the dotted path of a class of the user's own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pachon.base import FormatError, InvalidInputError, NotFoundError, closest, load_plugin, plugin_names
from pachon.pipe_base.import_path import ImportPathError, import_object

__all__ = [
    "ALIAS_GROUP",
    "INSTRUMENT_GROUP",
    "InstrumentNotFoundError",
    "MappedInstrument",
    "PipelineInstrument",
    "find_instrument",
    "override_files",
]

INSTRUMENT_GROUP = "pachon.instruments"
"""Entry points: name -> class of an instrument, or an instrument."""
ALIAS_GROUP = "pachon.instrument_aliases"
"""Entry points: name of a package -> mapping from foreign class names to registered names."""

_MAPPING_SUFFIXES = (".yaml", ".yml")


@runtime_checkable
class PipelineInstrument(Protocol):
    """What a pipeline asks of an instrument."""

    @property
    def name(self) -> str:
        """Value of the dimension ``instrument``."""
        ...

    @property
    def collection_prefix(self) -> str:
        """Begin of the names of the instrument's collections."""
        ...

    @property
    def config_paths(self) -> Sequence[str]:
        """Folders searched, in order, for ``<default name of a task>.py``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedInstrument:
    """An instrument that is described by a mapping file and has no class."""

    name: str
    collection_prefix: str
    config_paths: tuple[str, ...] = ()
    source: str = ""
    """The file."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], source: str) -> MappedInstrument:
        """Make it of ``name``, and optionally ``collection_prefix`` and ``config_paths`` (relative to the file)."""
        name = mapping.get("name")
        if not isinstance(name, str) or not name:
            raise FormatError(f"Instrument file {source!r} has no 'name'.")
        folder = os.path.dirname(os.path.abspath(source))
        paths = mapping.get("config_paths") or ()
        if isinstance(paths, str):
            paths = (paths,)
        return cls(
            name=name,
            collection_prefix=str(mapping.get("collection_prefix", name)),
            config_paths=tuple(os.path.join(folder, os.path.expandvars(str(path))) for path in paths),
            source=source,
        )


class InstrumentNotFoundError(NotFoundError):
    """No instrument is known under a name."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"Instrument {self.name!r} is not known: {self.reason}"


def find_instrument(name: str) -> PipelineInstrument:
    """Find an instrument by registered name, alias, mapping file or dotted class path.

    Parameters
    ----------
    name
        E.g. ``nickel``, ``lsst.obs.subaru.HyperSuprimeCam``, ``./cam.yaml``, ``mycam.MyCam``. Registered names are
        compared without regard to case when nothing matches exactly.

    Raises
    ------
    InstrumentNotFoundError
        Nothing answers to the name.
    InvalidInputError
        What answers is no instrument.
    """
    found = _find(name)
    instrument = found() if isinstance(found, type) else found
    if not isinstance(instrument, PipelineInstrument):
        raise InvalidInputError(f"{name!r} is no instrument: it needs 'name', 'collection_prefix' and 'config_paths'.")
    return instrument


def _find(name: str) -> Any:
    registered = plugin_names(INSTRUMENT_GROUP)
    exact = next((known for known in registered if known == name), None)
    folded = [known for known in registered if known.casefold() == name.casefold()]
    if exact or len(folded) == 1:
        return load_plugin(INSTRUMENT_GROUP, exact or folded[0])
    aliases = instrument_aliases()
    if name in aliases:
        return load_plugin(INSTRUMENT_GROUP, aliases[name])
    if name.endswith(_MAPPING_SUFFIXES):
        return _read_mapping(name)
    if "." in name:
        try:
            return import_object(name)
        except ImportPathError as error:
            raise InstrumentNotFoundError(name, str(error)) from error
    known = ", ".join(registered) or "none"
    raise InstrumentNotFoundError(name, f"registered are {known}.{closest(name, registered)}")


def instrument_aliases() -> dict[str, str]:
    """Give the names under which other systems know the registered instruments."""
    found: dict[str, str] = {}
    for entry in plugin_names(ALIAS_GROUP):
        table = load_plugin(ALIAS_GROUP, entry)
        if isinstance(table, Mapping):
            found.update(table)
    return found


def _read_mapping(path: str) -> MappedInstrument:
    import yaml

    expanded = os.path.expandvars(path)
    try:
        with open(expanded, encoding="utf-8") as stream:
            mapping = yaml.safe_load(stream)
    except FileNotFoundError:
        raise InstrumentNotFoundError(path, "there is no such file.") from None
    except yaml.YAMLError as error:
        raise FormatError(f"Instrument file {path!r} is not valid YAML: {error}") from error
    if not isinstance(mapping, Mapping):
        raise FormatError(f"Instrument file {path!r} holds no mapping.")
    return MappedInstrument.from_mapping(mapping, expanded)


def override_files(instrument: PipelineInstrument, default_name: str) -> list[str]:
    """Give the override files that an instrument has for the tasks of a default name, in order."""
    if not default_name:
        return []
    candidates = (os.path.join(os.path.expandvars(folder), f"{default_name}.py") for folder in instrument.config_paths)
    return [path for path in candidates if os.path.isfile(path)]
