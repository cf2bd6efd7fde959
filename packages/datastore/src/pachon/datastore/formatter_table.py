# SPDX-License-Identifier: BSD-3-Clause
"""Which formatter writes a dataset, with which write parameters; and formatters by their stored names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from pachon.base import InvalidInputError, load_plugin
from pachon.base.plain_shape import fits
from pachon.base.plugins import BrokenPluginError
from pachon.datasets import DatasetRef, DatasetType
from pachon.datastore.aliases import formatter_name
from pachon.datastore.config_data import FORMATTER_ENTRY, frozen_data, plain_data
from pachon.datastore.default_formatters import default_formatters
from pachon.datastore.errors import DatastoreConfigError, NoFormatterError
from pachon.datastore.formatter import FileDescriptor, Formatter
from pachon.datastore.lookup_key import LookupKey, LookupTable, candidate_keys
from pachon.dimensions import DimensionUniverse

__all__ = ["FormatterChoice", "FormatterTable", "load_formatter"]


@cache
def load_formatter(name: str) -> type[Formatter]:
    """Import a formatter by its registered name.

    Raises
    ------
    NotFoundError
        If none of that name is installed; close names are suggested.
    """
    formatter = load_plugin("pachon.formatters", name)
    if not (isinstance(formatter, type) and issubclass(formatter, Formatter)):
        raise BrokenPluginError("pachon.formatters", name, repr(formatter), "it is no subclass of Formatter")
    return formatter


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatterChoice:
    """A formatter by its registered name, with the write parameters and recipes that the configuration gives it."""

    name: str
    write_parameters: Mapping[str, Any]
    write_recipes: Mapping[str, Any]

    @property
    def formatter_class(self) -> type[Formatter]:
        """The formatter, imported now."""
        return load_formatter(self.name)

    def make(self, descriptor: FileDescriptor, ref: DatasetRef, **options: Any) -> Formatter:
        """Make the formatter for one file that is to be written."""
        return self.formatter_class(
            descriptor, ref=ref, write_parameters=self.write_parameters, write_recipes=self.write_recipes, **options
        )


class FormatterTable:
    """The section ``formatters`` of a datastore, put over the defaults.

    ``{key: name}`` or ``{key: {formatter: name, parameters: {...}}}``; ``default: {name: {parameter: value}}`` gives
    default write parameters, ``write_recipes: {name: {recipe: {...}}}`` named sets of options.
    """

    def __init__(self, document: Mapping[str, Any], universe: DimensionUniverse, *, allow_unsafe: bool = False) -> None:
        content = dict(document)
        self._recipes = _by_formatter(content.pop("write_recipes", None) or {}, "formatters.write_recipes")
        self._defaults = _by_formatter(content.pop("default", None) or {}, "formatters.default")
        self._allow_unsafe = allow_unsafe
        # A formatter that is named without parameters is not imported before it is needed.
        for name in {*self._recipes, *self._defaults}:
            self._check(self._choice(name, {}), "formatters")
        self.configured: LookupTable[FormatterChoice] = LookupTable.parse(
            content, universe, self._read, where="formatters"
        )
        # One table: the default of a component's storage class goes before what is configured for its parent's.
        defaults = {LookupKey(key): self._choice(name, {}) for key, name in default_formatters().items()}
        self._table = LookupTable({**defaults, **dict(self.configured.items())})

    def find(self, ref: DatasetRef) -> FormatterChoice:
        """Give the formatter that writes a dataset.

        Raises
        ------
        NoFormatterError
            If none is configured; it says under which keys one could be.
        """
        return self.choose(ref.dataset_type, self._table.scope_of(ref))

    def choose(self, dataset_type: DatasetType, instrument: str | None = None) -> FormatterChoice:
        """Give the formatter that writes datasets of a type; see `find`."""
        found = self._table.find(dataset_type, instrument)
        if found is None:
            keys = candidate_keys(dataset_type, instrument=instrument)
            raise NoFormatterError(dataset_type.name, tuple(map(str, keys)))
        self.check_allowed(found[1].name)
        return found[1]

    def named(self, name: str) -> FormatterChoice:
        """Give a formatter by name, of which an ingest says that it reads the file; LSST's names are understood."""
        return self._choice(formatter_name(name), {})

    def check_allowed(self, name: str) -> None:
        """Refuse a formatter that could run code from a file, unless the configuration allows it.

        Raises
        ------
        InvalidInputError
            Names the key of the configuration.
        """
        if not self._allow_unsafe and load_formatter(name).is_unsafe:
            raise InvalidInputError(
                f"Formatter {name!r} could run code that is hidden in a file; it is refused unless the datastore's "
                f"configuration says allow_{name}: true."
            )

    def _read(self, written: object, where: str) -> FormatterChoice:
        if isinstance(written, str):
            return self._choice(formatter_name(written), {})
        if isinstance(written, Mapping):
            entry = _read_entry(written, where)
            choice = self._choice(formatter_name(entry["formatter"]), entry.get("parameters", {}))
            self._check(choice, where)
            return choice
        raise DatastoreConfigError(
            f"{where} must be the name of a formatter, or {{formatter: name, parameters: {{...}}}}."
        )

    def _choice(self, name: str, parameters: Mapping[str, Any]) -> FormatterChoice:
        return FormatterChoice(
            name=name,
            write_parameters={**self._defaults.get(name, {}), **parameters},
            write_recipes=self._recipes.get(name, {}),
        )

    def _check(self, choice: FormatterChoice, where: str) -> None:
        try:
            choice.formatter_class.check_write_parameters(choice.write_parameters, choice.write_recipes)
        except InvalidInputError as error:
            raise DatastoreConfigError(f"{where}: {error}") from error


def _read_entry(written: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    plain = plain_data(written)
    if fits(plain, FORMATTER_ENTRY):
        return cast(Mapping[str, Any], frozen_data(plain))
    from pachon.datastore.config_document import FormatterDocument, read_document  # imports pydantic

    return read_document(FormatterDocument, written, where)


def _by_formatter(section: object, where: str) -> dict[str, Mapping[str, Any]]:
    if not isinstance(section, Mapping) or not all(isinstance(value, Mapping) for value in section.values()):
        raise DatastoreConfigError(f"{where} must be a mapping of formatter names to mappings.")
    return {formatter_name(str(name)): value for name, value in section.items()}
