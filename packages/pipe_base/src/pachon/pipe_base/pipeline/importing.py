# SPDX-License-Identifier: BSD-3-Clause
"""Loading a pipeline with all that it imports, and merging it into one."""

from __future__ import annotations

import dataclasses
import logging
import os
from types import MappingProxyType
from typing import Any

from pachon.base import closest
from pachon.pipe_base.pipeline.class_map import ClassMap
from pachon.pipe_base.pipeline.contents import Contract, ImportEntry, PipelineContents, PipelineTaskEntry, Step, Subset
from pachon.pipe_base.pipeline.errors import PipelineError, PipelineFileNotFoundError, UnknownLabelError
from pachon.pipe_base.pipeline.location import read_pipeline_text, resolve_import
from pachon.pipe_base.pipeline.parsing import PipelineDocument, parse_pipeline
from pachon.pipe_base.pipeline.reduction import check_contents, reduce_contents, rename_contents

__all__ = ["load_pipeline", "merge_pipelines", "parse_and_expand"]

_LOG = logging.getLogger(__name__)


def load_pipeline(location: str, *, strict: bool = False, classes: ClassMap | None = None) -> PipelineContents:
    """Read a pipeline file and all that it imports.

    Parameters
    ----------
    location
        A path or URI, without selection of labels.
    strict
        Whether unknown keys are errors.
    classes
        New names of the classes that the documents name.

    Raises
    ------
    PipelineFileNotFoundError
        A file does not exist; if it is an import, all missing files are named at once.
    PipelineSyntaxError, PipelineError
        A document is not well formed; documents contradict each other, or import each other in a circle.
    """
    text, name = read_pipeline_text(location)
    return parse_and_expand(text, name, strict=strict, classes=classes)


def parse_and_expand(
    text: str, name: str, *, strict: bool = False, classes: ClassMap | None = None
) -> PipelineContents:
    """Give the contents of a document that was read from a place, with all that it imports."""
    loader = _Loader(strict=strict, classes=classes)
    contents = loader.expand(loader.parse(text, name), (_identity(name),))
    if loader.missing:
        first, *others = loader.missing
        hint = "".join(f"\n{error} ({place})" for error, place in others)
        error, place = first
        raise PipelineFileNotFoundError(error.location, f"{error.hint} It is imported by {place}.{hint}")
    check_contents(contents)
    return contents


class _Loader:
    """One walk through the imports; files that are missing are collected."""

    def __init__(self, *, strict: bool, classes: ClassMap | None) -> None:
        self.strict, self.classes = strict, classes
        self.missing: list[tuple[PipelineFileNotFoundError, Any]] = []
        self._documents: dict[str, PipelineDocument] = {}

    def parse(self, text: str, name: str) -> PipelineDocument:
        """Read one document; classes get their new names before documents are merged, which compares them."""
        document = parse_pipeline(text, name, strict=self.strict)
        if self.classes is None:
            return document
        imports = tuple(
            dataclasses.replace(entry, instrument=self.classes.new_name(entry.instrument))
            if entry.instrument
            else entry
            for entry in document.imports
        )
        return PipelineDocument(contents=self.classes.applied(document.contents), imports=imports)

    def expand(self, document: PipelineDocument, chain: tuple[str, ...]) -> PipelineContents:
        imported = [self._load_import(entry, chain) for entry in document.imports]
        found = [(entry, contents) for entry, contents in zip(document.imports, imported, strict=True) if contents]
        return merge_pipelines(_with_instrument_beside(document.contents), found)

    def _load_import(self, entry: ImportEntry, chain: tuple[str, ...]) -> PipelineContents | None:
        location = resolve_import(entry.location, entry.place.file)
        identity = _identity(location)
        if identity in chain:
            circle = " -> ".join([*chain[chain.index(identity) :], identity])
            raise PipelineError(f"{entry.place}: pipelines import each other in a circle: {circle}.")
        if identity not in self._documents:
            try:
                text, name = read_pipeline_text(location)
            except PipelineFileNotFoundError as error:
                self.missing.append((error, entry.place))
                return None
            self._documents[identity] = self.parse(text, name)
        contents = self.expand(self._documents[identity], (*chain, identity))
        # With a file missing, what is there cannot be judged.
        if self.missing:
            return None
        # Each document must be right by itself: what is taken of it may leave out the subset that is wrong.
        check_contents(contents)
        return _imported(entry, contents)


def _with_instrument_beside(contents: PipelineContents) -> PipelineContents:
    """Give the contents with an instrument's mapping file found beside the document, as imports are."""
    named = contents.instrument
    if named is None or not named.endswith((".yaml", ".yml")) or "$" in named or "://" in named:
        return contents
    found = resolve_import(named, contents.place.file)
    return dataclasses.replace(contents, instrument=found) if os.path.exists(found) else contents


def _identity(location: str) -> str:
    return location if "://" in location else os.path.realpath(location)


def _imported(entry: ImportEntry, contents: PipelineContents) -> PipelineContents:
    """Give what an entry takes of a pipeline."""
    if entry.instrument is not None:
        contents = dataclasses.replace(contents, instrument=entry.instrument or None, instrument_place=entry.place)
    keep = _kept_labels(entry, contents)
    if entry.rename:
        try:
            contents = rename_contents(contents, entry.rename)
        except UnknownLabelError as error:
            raise PipelineError(
                f"{entry.place}, rename: {entry.location!r} has no task {error.label!r}.{error.suggestion}"
            ) from error
        except PipelineError as error:
            raise PipelineError(f"{entry.place}, rename: {error}") from error
        keep = {entry.rename.get(label, label) for label in keep}
    if not entry.import_steps:
        contents = dataclasses.replace(contents, steps=())
    contents = reduce_contents(contents, keep, entry.mode)
    if not entry.import_contracts:
        contents = dataclasses.replace(contents, contracts=())
    return contents


def _kept_labels(entry: ImportEntry, contents: PipelineContents) -> set[str]:
    names = entry.include if entry.include is not None else entry.exclude
    if names is None:
        return set(contents.tasks)
    labels: set[str] = set()
    for name in names:
        if name in contents.tasks:
            labels.add(name)
        elif name in contents.subsets:
            labels.update(contents.subsets[name].labels)
        else:
            hint = closest(name, [*contents.tasks, *contents.subsets])
            _LOG.warning("%s: %r is no label and no subset of %r.%s", entry.place, name, entry.location, hint)
    return labels if entry.include is not None else contents.tasks.keys() - labels


def merge_pipelines(own: PipelineContents, imported: list[tuple[ImportEntry, PipelineContents]]) -> PipelineContents:
    """Merge imported pipelines under a document.

    Raises
    ------
    PipelineError
        Two imports, or an import and the document, contradict each other; both places are named.
    """
    if not imported:
        return own
    instrument, instrument_place = own.instrument, own.instrument_place
    tasks: dict[str, PipelineTaskEntry] = {}
    subsets: dict[str, Subset] = {}
    steps: dict[str, Step] = {}
    contracts: list[Contract] = []
    parameters: dict[str, Any] = {}
    for entry, contents in imported:
        if contents.instrument is not None:
            if instrument is not None and instrument != contents.instrument:
                raise PipelineError(
                    f"{entry.place}: {entry.location!r} is for instrument {contents.instrument!r} "
                    f"({contents.instrument_place}), but the pipeline is for {instrument!r} ({instrument_place}); set "
                    "'instrument' in the import."
                )
            instrument, instrument_place = contents.instrument, contents.instrument_place
        for label, task in contents.tasks.items():
            if label in tasks:
                raise PipelineError(
                    f"{entry.place}: task {label!r} comes from two imports, {tasks[label].place} and {task.place}; "
                    "exclude it from one of them."
                )
            tasks[label] = task
        for name, subset in contents.subsets.items():
            if name in subsets:
                raise PipelineError(
                    f"{entry.place}: subset {name!r} comes from two imports, {subsets[name].place} and {subset.place}."
                )
            subsets[name] = subset
        contracts.extend(contents.contracts)
        parameters.update(contents.parameters)
        _add_steps(steps, contents.steps)
    for name, subset in subsets.items():
        if name in tasks:
            raise PipelineError(f"{subset.place}: {name!r} names a subset here and a task in {tasks[name].place}.")
    for label, task in own.tasks.items():
        tasks[label] = _overlaid(tasks.get(label), task)
    _add_steps(steps, own.steps)
    return PipelineContents(
        description=own.description,
        instrument=instrument,
        tasks=MappingProxyType(tasks),
        subsets=MappingProxyType({**subsets, **own.subsets}),
        steps=tuple(steps.values()),
        parameters=MappingProxyType({**parameters, **own.parameters}),
        contracts=(*contracts, *own.contracts),
        place=own.place,
        instrument_place=instrument_place,
    )


def _overlaid(below: PipelineTaskEntry | None, task: PipelineTaskEntry) -> PipelineTaskEntry:
    if below is None or below.class_name != task.class_name:
        return task
    for block in task.config:
        below = below.with_block(block)
    return below


def _add_steps(steps: dict[str, Step], new: tuple[Step, ...]) -> None:
    for step in new:
        known = steps.get(step.label)
        if known is None:
            steps[step.label] = step
        elif set(known.dimensions) != set(step.dimensions):
            raise PipelineError(
                f"{step.place}: step {step.label!r} has dimensions {', '.join(step.dimensions) or 'none'}, but in "
                f"{known.place} it has {', '.join(known.dimensions) or 'none'}."
            )
