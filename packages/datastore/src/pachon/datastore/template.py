# SPDX-License-Identifier: BSD-3-Clause
"""File templates: the readable part of the path of a dataset's file.

The syntax is that of Python format strings with the extensions of ``docs/formats/datastore.md``. A template is parsed
and checked once; `FileTemplate.format` is a pure function of a dataset ref.
"""

from __future__ import annotations

import dataclasses
import logging
import posixpath
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pachon.datasets import DatasetRef, DatasetType
from pachon.datastore.errors import DataIdNotExpandedError, TemplateError
from pachon.dimensions import DimensionGroup

__all__ = ["Field", "FileTemplate", "folder_of_run"]

_log = logging.getLogger(__name__)
_SPECIAL = frozenset({"run", "id", "datasetType", "component"})
_ALWAYS_UNIQUE = frozenset({"run", "id"})
_BAD_CHARACTERS = re.compile(r'[\s<>:"\\|?*%\x00-\x1f\x7f]')
"""Blank space, control characters, and what shells, URIs or other systems' file names give a meaning."""
_SLASHES = re.compile("//+")
_CONVERSIONS: Mapping[str, Callable[[object], str]] = {"r": repr, "s": str, "a": ascii}
_NO_COLUMN = object()


_MOST_MADE = 4096
"""Values of a field whose text is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One replacement field of a template, with the literal text before it."""

    literal: str
    alternatives: tuple[str, ...]
    """What may fill it, each ``name`` or ``dimension.column``; the first that is defined does."""
    optional: bool
    keeps_slashes: bool
    spec: str
    """The format specification that is left for Python."""
    conversion: str | None

    @property
    def names(self) -> frozenset[str]:
        """The parts before the dot."""
        return frozenset(alternative.partition(".")[0] for alternative in self.alternatives)

    def choose(self, defined: Mapping[str, object]) -> str:
        """Give the first alternative whose part before the dot is defined, else the first of all."""
        for alternative in self.alternatives:
            if alternative.partition(".")[0] in defined:
                return alternative
        return self.alternatives[0]

    def render(self, value: object) -> str:
        """Format a value for a path."""
        if type(value) is int and not self.spec and self.conversion is None:
            return str(value)
        if self.conversion is not None:
            value = _CONVERSIONS[self.conversion](value)
        if isinstance(value, str) and not value.isalnum():
            value = _without_bad_characters(value)
            if not self.keeps_slashes:
                value = value.replace("/", "_")
        return format(value, self.spec)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A field as it is filled for the datasets of one type."""

    literal: str
    """The text before the value; also all of the text, where the value is the same for all datasets."""
    field: Field | None = None
    """None if nothing is to be looked at."""
    name: str = ""
    position: int | None = None
    """Where the value is among those of a data ID, with run and id after them; None if a record is asked."""
    made: dict[object, str] = dataclasses.field(default_factory=dict)
    """Text with value of the values that came before: runs, instruments and days are those of many datasets."""


class FileTemplate:
    """A checked file template.

    Parameters
    ----------
    text
        The template.

    Raises
    ------
    TemplateError
        If it is no format string, names neither ``{run}`` nor ``{id}``, has no dimension (unless it has ``{id}``),
        contains ``../``, is absolute, has ``{collection}``, or has ``{id}`` elsewhere than in the file name.
    """

    __slots__ = ("_steps", "_tail", "fields", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.fields, self._tail = _parse(text)
        self._steps: dict[tuple[DatasetType, int], tuple[_Step, ...]] = {}
        self._check()

    def format(self, ref: DatasetRef) -> str:
        """Give the readable path of a dataset: relative, normalized, without extension.

        Raises
        ------
        DataIdNotExpandedError
            If a column of a dimension record is asked for, and the data ID has no records.
        TemplateError
            If a field that is not optional is not defined, or the result would leave the root or is empty.
        """
        known = (*ref.data_id.values, ref.run, ref.id)
        # What fills each field is chosen once for all datasets of a type whose data IDs know as much.
        key = (ref.dataset_type, len(known))
        steps = self._steps.get(key)
        if steps is None:
            steps = self._steps[key] = tuple(_joined(self._choose_steps(ref)))
        parts: list[str] = []
        for step in steps:
            replacement = step.field
            if replacement is None:
                parts.append(step.literal)
                continue
            value = known[step.position] if step.position is not None else _look_up(step.name, ref, self.text)
            if value is not None:
                text = step.made.get(value)
                if text is None:
                    text = step.literal + replacement.render(value)
                    if len(step.made) < _MOST_MADE:
                        step.made[value] = text
                parts.append(text)
            elif not replacement.optional:
                raise self._lacks(step.name, ref)
            elif "/" in step.literal:
                parts.append(step.literal)
        return _as_relative_path("".join(parts) + self._tail, self.text)

    def _choose_steps(self, ref: DatasetRef) -> Iterator[_Step]:
        defined = _defined_values(ref)
        order = [*ref.data_id.mapping, "run", "id"]
        alias = _skypix_alias(ref.dataset_type.dimensions)
        if ref.dataset_type.component is not None and not any("component" in f.alternatives for f in self.fields):
            raise TemplateError(
                f"File template {self.text!r} has no {{component}}, which {ref.dataset_type.name!r} needs."
            )
        for field in self.fields:
            name = field.choose(defined)
            place = alias if name == "skypix" and alias is not None else name
            if place in order:
                yield _Step(literal=field.literal, field=field, name=name, position=order.index(place))
            elif name in defined:  # what is the same for all: the dataset type, its component
                yield _Step(literal=field.literal + field.render(defined[name]))
            elif name.partition(".")[0] in defined:
                yield _Step(literal=field.literal, field=field, name=name)
            elif field.optional:
                # The text stood before a value that no dataset of the type has.
                yield _Step(literal=field.literal if "/" in field.literal else "")
            else:
                raise self._lacks(name, ref)

    def _lacks(self, name: str, ref: DatasetRef) -> TemplateError:
        return TemplateError(
            f"File template {self.text!r} needs {{{name}}}, which dataset {ref.dataset_type.name!r} "
            f"with data ID {ref.data_id} does not have."
        )

    def check_dataset_type(self, dataset_type: DatasetType) -> None:
        """Check that the template suits a dataset type.

        Raises
        ------
        TemplateError
            If a component has no ``{component}``, or a dataset type that is none must have one; if a field that must
            be filled is no dimension of the type; or if a required dimension occurs nowhere, so that many files
            would have one readable name.
        """
        complaint = self._complaint(dataset_type)
        if complaint:
            raise TemplateError(
                f"File template {self.text!r} does not suit dataset type {dataset_type.name!r}: {complaint}"
            )

    def missing_dimensions(self, dataset_type: DatasetType) -> tuple[str, ...]:
        """Give the required dimensions of a dataset type that the template does not name; none if it has ``{id}``."""
        names = {name for field in self.fields for name in field.names}
        if "id" in names:
            return ()
        if "skypix" in names and (alias := _skypix_alias(dataset_type.dimensions)) is not None:
            names.add(alias)
        return tuple(name for name in dataset_type.dimensions.required if name not in names)

    def _complaint(self, dataset_type: DatasetType) -> str | None:
        mandatory = [field for field in self.fields if not field.optional]
        names = {name for field in self.fields for name in field.names}
        if dataset_type.component is not None and "component" not in names:
            return "a component needs {component}."
        if dataset_type.component is None and any("component" in field.names for field in mandatory):
            return "it is no component, and {component} is not optional (write {component:?})."
        available = {*dataset_type.dimensions.names, *_SPECIAL}
        if _skypix_alias(dataset_type.dimensions) is not None:
            available.add("skypix")
        for field in mandatory:
            if field.names.isdisjoint(available):
                return f"{{{'|'.join(field.alternatives)}}} is not one of its dimensions {list(dataset_type.dimensions.names)}."
        missing = self.missing_dimensions(dataset_type)
        if missing:
            return f"it lacks {', '.join('{' + name + '}' for name in missing)}."
        return None

    def _check(self) -> None:
        names = {name for field in self.fields for name in field.names}
        if "collection" in names:
            raise self._error("{collection} is not known when a file is written; use {run}.")
        if names.isdisjoint(_ALWAYS_UNIQUE):
            raise self._error("it must contain {run} or {id}.")
        if "id" not in names and not names - _SPECIAL:
            raise self._error("it has no dimension; add some, or {id}.")
        literals = "".join((*(field.literal for field in self.fields), self._tail))
        if ".." in re.split(r"[/{}]", self.text) or "../" in self.text:
            raise self._error("it must not contain '..'.")
        if self.text.startswith(("/", "~")) or "://" in self.text or "\\" in literals or "\0" in self.text:
            raise self._error("it must be a relative path with '/' between parts.")
        if "#" in literals.rpartition("/")[0] or "?" in literals:
            raise self._error("'#' and '?' have a meaning in URIs and cannot be in a path.")
        if "id" in names and "{id}" not in _file_name_part(self.text):
            raise self._error("{id} must be part of the file name, written {id}.")

    def _error(self, complaint: str) -> TemplateError:
        return TemplateError(f"File template {self.text!r} is wrong: {complaint}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileTemplate) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"FileTemplate({self.text!r})"


def folder_of_run(run: str) -> str:
    """Give the folder of a run as a template that begins with ``{run:/}`` has it."""
    return _without_bad_characters(run).replace("#", "HASH")


def _without_bad_characters(text: str) -> str:
    return _BAD_CHARACTERS.sub("_", text)


def _joined(steps: Iterable[_Step]) -> Iterator[_Step]:
    """Make one step of those that follow each other and are the same for all datasets; a template has many, of which few differ."""
    text = ""
    for step in steps:
        if step.field is None:
            text += step.literal
            continue
        if step.literal.startswith("/"):
            # It is there with and without a value.
            text = text.rstrip("/")
        if text:
            yield _Step(literal=_SLASHES.sub("/", text))
            text = ""
        yield step
    if text:
        yield _Step(literal=_SLASHES.sub("/", text))


def _parse(text: str) -> tuple[tuple[Field, ...], str]:
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError as error:
        raise TemplateError(f"File template {text!r} is no format string: {error}.") from error
    fields: list[Field] = []
    pending = ""
    for literal, name, spec, conversion in pieces:
        if name is None:
            pending += literal
            continue
        alternatives = tuple(name.split("|"))
        if not all(re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", alternative) for alternative in alternatives):
            raise TemplateError(f"File template {text!r} is wrong: {{{name}}} is no name, nor dimension.column.")
        spec = spec or ""
        if "{" in spec:
            raise TemplateError(f"File template {text!r} is wrong: a format cannot contain another field.")
        if conversion is not None and conversion not in _CONVERSIONS:
            raise TemplateError(f"File template {text!r} is wrong: there is no conversion !{conversion}.")
        fields.append(
            Field(
                literal=pending + literal,
                alternatives=alternatives,
                optional="?" in spec,
                keeps_slashes="/" in spec,
                spec=spec.replace("?", "").replace("/", ""),
                conversion=conversion,
            )
        )
        pending = ""
    return tuple(fields), pending


def _file_name_part(text: str) -> str:
    """Give what follows the last slash that is not inside a replacement field."""
    outside = re.sub(r"\{[^{}]*\}", lambda match: match.group().replace("/", "\0"), text)
    return text[outside.rfind("/") + 1 :]


def _defined_values(ref: DatasetRef) -> dict[str, object]:
    data_id = ref.data_id
    values: dict[str, object] = dict(data_id.mapping)
    alias = _skypix_alias(ref.dataset_type.dimensions)
    if alias is not None:
        values["skypix"] = values[alias]
    values["datasetType"] = ref.dataset_type.parent_name
    values["run"] = ref.run
    values["id"] = ref.id
    if ref.dataset_type.component is not None:
        values["component"] = ref.dataset_type.component
    return values


def _skypix_alias(dimensions: DimensionGroup) -> str | None:
    return dimensions.skypix[0] if len(dimensions.skypix) == 1 else None


def _look_up(name: str, ref: DatasetRef, text: str) -> object:
    """Give the value of a column of a record, None if there is none."""
    primary, _, column = name.partition(".")
    records = ref.data_id.records
    if records is None:
        raise DataIdNotExpandedError(
            f"File template {text!r} needs a column of {primary!r}, but the data ID {ref.data_id} has no dimension "
            "records; expand it first."
        )
    record = records.get(_skypix_alias(ref.dataset_type.dimensions) or "" if primary == "skypix" else primary)
    if record is None:
        return None
    value: object = record.get(column, _NO_COLUMN)
    if value is _NO_COLUMN:
        _log.info("File template %r: %r has no column %r; the field is left out.", text, primary, column)
        return None
    return value


def _as_relative_path(text: str, template: str) -> str:
    parts = text.split("/")
    if ".." in parts:
        path = ".."
    else:
        is_plain = "" not in parts and "." not in parts
        path = text if is_plain else posixpath.normpath("/" + text).lstrip("/")
    folder, slash, name = path.rpartition("/")
    name = name.replace(".", "_").replace("#", "HASH")
    if path == ".." or not name or "\0" in text:
        raise TemplateError(
            f"{text!r} is no path below the root: run and data ID give it by the file template {template!r}, and one of them "
            "does not suit a path."
        )
    return folder.replace("#", "HASH") + slash + name
