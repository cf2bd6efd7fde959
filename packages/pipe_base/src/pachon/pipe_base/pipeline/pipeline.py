# SPDX-License-Identifier: BSD-3-Clause
"""`Pipeline`: tasks with their overrides, read from YAML or put together, not yet imported."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Self

from pachon.base import InvalidInputError, closest
from pachon.datasets import FactSource, StorageClasses
from pachon.pipe_base.config.values import parse_literal
from pachon.pipe_base.import_path import import_path_of
from pachon.pipe_base.instrument import PipelineInstrument, find_instrument
from pachon.pipe_base.pipeline.checking import PipelineCheck, check_pipeline
from pachon.pipe_base.pipeline.class_map import ClassMap
from pachon.pipe_base.pipeline.configuring import import_task_class
from pachon.pipe_base.pipeline.contents import (
    ConfigBlock,
    Contract,
    FieldOverride,
    PipelineContents,
    PipelineTaskEntry,
    Step,
    Subset,
    SubsetMode,
)
from pachon.pipe_base.pipeline.errors import PipelineError, UnknownLabelError
from pachon.pipe_base.pipeline.importing import load_pipeline, parse_and_expand
from pachon.pipe_base.pipeline.location import LabelSelection, parse_selection, split_location
from pachon.pipe_base.pipeline.parsing import check_label
from pachon.pipe_base.pipeline.place import Place
from pachon.pipe_base.pipeline.reduction import check_contents, labels_of, reduce_contents
from pachon.pipe_base.pipeline.showing import parse_show_item, show_contents, show_graph
from pachon.pipe_base.pipeline.task_table import TaskTable
from pachon.pipe_base.pipeline.writing import write_pipeline
from pachon.pipe_base.pipeline_graph import (
    PipelineGraph,
)
from pachon.pipe_base.pipeline_task import PipelineTask
from pachon.resources import ResourcePath

__all__ = ["Pipeline"]

PARAMETERS = "parameters"
_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline; a value: what changes it gives a changed copy.

    Nothing is imported until `to_graph` (or a range of labels) asks for it.

    Parameters
    ----------
    contents
        Tasks, subsets, steps, parameters and contracts.
    """

    contents: PipelineContents

    # -- making ----------------------------------------------------------------------------------------------------

    @classmethod
    def read(
        cls, uri: str | os.PathLike[str] | ResourcePath, *, strict: bool = False, classes: ClassMap | None = None
    ) -> Self:
        """Read a pipeline file, with all that it imports.

        Parameters
        ----------
        uri
            Path, URI (``resource://package/path`` for files inside installed packages) or `ResourcePath`, with an
            optional selection of labels: ``drp.yaml#isr,calibrate``, ``#step1``, ``#isr..warp``.
        strict
            Whether unknown keys are errors; else they are warnings.
        classes
            New names of the classes of tasks and instruments that the files name, imported ones included.

        Raises
        ------
        PipelineFileNotFoundError, PipelineSyntaxError, PipelineError
        UnknownLabelError
            The selection names what is not there.
        """
        text = _location(uri)
        location, selection = split_location(text)
        pipeline = cls(load_pipeline(location, strict=strict, classes=classes))
        return pipeline if selection is None else pipeline.select(selection)

    @classmethod
    def from_yaml(cls, text: str, *, name: str = "pipeline", strict: bool = False) -> Self:
        """Read a pipeline from YAML text; imports with a relative location are relative to the current folder."""
        return cls(parse_and_expand(text, name, strict=strict))

    @classmethod
    def empty(cls, description: str = "anonymous") -> Self:
        """Give a pipeline without tasks."""
        return cls(PipelineContents(description=description))

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def description(self) -> str:
        """What the pipeline is for."""
        return self.contents.description

    @property
    def instrument(self) -> str | None:
        """How the pipeline names its instrument."""
        return self.contents.instrument

    @property
    def tasks(self) -> Mapping[str, PipelineTaskEntry]:
        """Tasks by label, in written order."""
        return self.contents.tasks

    @property
    def subsets(self) -> Mapping[str, Subset]:
        """Subsets by name."""
        return self.contents.subsets

    @property
    def steps(self) -> tuple[Step, ...]:
        """Production steps, in order."""
        return self.contents.steps

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Parameters by name."""
        return self.contents.parameters

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """Contracts between configurations."""
        return self.contents.contracts

    def to_yaml(self) -> str:
        """Give the YAML text: imports flattened, tasks in long form; reading it gives the same pipeline."""
        return write_pipeline(self.contents)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the YAML text to a file."""
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(self.to_yaml())

    def __str__(self) -> str:
        return self.to_yaml()

    # -- changed copies ----------------------------------------------------------------------------------------------

    def _replaced(self, **changes: Any) -> Self:
        return type(self)(dataclasses.replace(self.contents, **changes))

    def with_task(self, label: str | None, task: str | type[PipelineTask]) -> Self:
        """Add a task, or replace one and drop its overrides.

        Parameters
        ----------
        label
            Its label; `None` for the default name of the class, which is then imported.
        task
            The class, or its import path.
        """
        class_name = task if isinstance(task, str) else import_path_of(task)
        if label is None:
            nameless = PipelineTaskEntry(label="", class_name=class_name, place=Place(file=f"-t {class_name}"))
            label = import_task_class(nameless).default_name
        place = Place(file=f"-t {class_name}:{label}")
        entry = PipelineTaskEntry(label=check_label(label, place), class_name=class_name, place=place)
        if label in self.subsets:
            raise PipelineError(f"{label!r} is the name of a subset and cannot be a label too.")
        return self._replaced(tasks=MappingProxyType({**self.tasks, label: entry}))

    def without_task(self, label: str) -> Self:
        """Remove a task, from subsets too; contracts that name it are dropped.

        Raises
        ------
        UnknownLabelError
        """
        self._entry(label)
        return type(self)(reduce_contents(self.contents, self.tasks.keys() - {label}, SubsetMode.EDIT))

    def with_config(self, label: str, name: str, value: Any, *, source: str | None = None) -> Self:
        """Override a field of a task's configuration, or set a parameter (label ``parameters``).

        A parameter that the pipeline does not have is made, with a warning: its name may be misspelled.

        Parameters
        ----------
        label
            Label of the task, or ``parameters``.
        name
            Dotted name of the field, or name of the parameter.
        value
            A value, or text as it stands on a command line.
        source
            Who says so, for messages and histories. Default: ``-c label:name=value``.

        Raises
        ------
        UnknownLabelError
        """
        if label == PARAMETERS:
            parsed = parse_literal(value, {}) if isinstance(value, str) else value
            if name not in self.parameters:
                _LOG.warning(
                    "%s: the pipeline had no parameter %r; it is a new one.%s",
                    source or f"-c {label}:{name}={value}",
                    name,
                    closest(name, self.parameters)
                    or (f" There is {', '.join(self.parameters)}." if self.parameters else ""),
                )
            return self._replaced(parameters=MappingProxyType({**self.parameters, name: parsed}))
        place = Place(file=source or f"-c {label}:{name}={value}")
        block = ConfigBlock(values=MappingProxyType({name: FieldOverride(value=value, place=place)}), place=place)
        return self._with_block(label, block)

    def with_config_file(self, label: str, file: str) -> Self:
        """Add an override file for a task.

        Raises
        ------
        UnknownLabelError
        """
        if label == PARAMETERS:
            raise InvalidInputError("Parameters cannot be set by a file; use -c parameters:NAME=VALUE.")
        place = Place(file=f"-C {label}:{file}")
        return self._with_block(label, ConfigBlock(files=(file,), place=place))

    def with_python(self, label: str, code: str) -> Self:
        """Add Python code that configures a task, with ``config`` and ``parameters`` in scope."""
        if label == PARAMETERS:
            raise InvalidInputError("Parameters cannot be set by Python code.")
        return self._with_block(label, ConfigBlock(python=code, place=Place(file=f"<python of {label}>")))

    def _with_block(self, label: str, block: ConfigBlock) -> Self:
        entry = self._entry(label).with_block(block)
        return self._replaced(tasks=MappingProxyType({**self.tasks, label: entry}))

    def with_classes(self, classes: ClassMap) -> Self:
        """Give tasks and instrument the new names of their classes."""
        return type(self)(classes.applied(self.contents))

    def with_instrument(self, instrument: str | None) -> Self:
        """Set, replace or remove the instrument."""
        return self._replaced(instrument=instrument, instrument_place=Place())

    def with_subset(self, name: str, labels: Iterable[str], *, description: str = "") -> Self:
        """Add or replace a subset."""
        subset = Subset(name=name, labels=tuple(dict.fromkeys(labels)), description=description)
        changed = self._replaced(subsets=MappingProxyType({**self.subsets, name: subset}))
        check_contents(changed.contents)
        return changed

    def without_subset(self, name: str) -> Self:
        """Remove a subset, and the step of that name; its tasks stay."""
        if name not in self.subsets:
            raise UnknownLabelError(name, "subset", closest(name, self.subsets))
        kept = {other: subset for other, subset in self.subsets.items() if other != name}
        steps = tuple(step for step in self.steps if step.label != name)
        return self._replaced(subsets=MappingProxyType(kept), steps=steps)

    def without_steps(self) -> Self:
        """Forget the production steps; subsets stay."""
        return self._replaced(steps=())

    def select(self, selection: str | Collection[str]) -> Self:
        """Keep some tasks only; subsets that are not complete any more are left out.

        So are all steps, if a task that is kept loses its own: every task of a pipeline with steps is in one.

        Parameters
        ----------
        selection
            Labels and subset names: ``"a,b"`` or a collection; or a range, ``"a..b"``, ``"a.."``, ``"..b"``, for
            which the task classes are imported.

        Raises
        ------
        UnknownLabelError
        PipelineError
            The selection is malformed.
        """
        parsed = parse_selection(selection) if isinstance(selection, str) else LabelSelection(names=tuple(selection))
        if parsed == LabelSelection():
            raise PipelineError("The selection names no label.")
        if parsed.is_range:
            keep = self._labels_in_range(parsed)
        else:
            keep = {label for name in parsed.names for label in labels_of(self.contents, name)}
        reduced = reduce_contents(self.contents, keep)
        lost = {step.label for step in self.steps} - {step.label for step in reduced.steps}
        stepped = {label for step in reduced.steps for label in reduced.subsets[step.label].labels}
        if any(keep.intersection(self.subsets[name].labels) - stepped for name in lost):
            reduced = dataclasses.replace(reduced, steps=())
        return type(self)(reduced)

    def _labels_in_range(self, selection: LabelSelection) -> set[str]:
        for end in (selection.first, selection.last):
            if end is not None:
                if end in self.subsets:
                    raise PipelineError(f"{end!r} is a subset; the ends of a range are labels of tasks.")
                self._entry(end)
        graph = self.to_graph()
        keep = set(self.tasks)
        if selection.first is not None:
            keep &= graph.downstream(selection.first)
        if selection.last is not None:
            keep &= graph.upstream(selection.last)
        if not keep:
            hint = ""
            if selection.first in graph.downstream(str(selection.last)):
                hint = f" {selection.last!r} comes first: write {selection.last}..{selection.first}."
            raise PipelineError(f"No task lies between {selection.first!r} and {selection.last!r}.{hint}")
        return keep

    def _entry(self, label: str) -> PipelineTaskEntry:
        if label not in self.tasks:
            raise UnknownLabelError(label, "task", closest(label, self.tasks))
        return self.tasks[label]

    # -- views -------------------------------------------------------------------------------------------------------

    def show(self, *items: str, butler: FactSource | None = None) -> str:
        """Give views of the pipeline as text, as ``--show`` prints them.

        Parameters
        ----------
        *items
            ``pipeline``, ``config[=[LABEL::]GLOB]``, ``dump-config[=LABEL]``, ``history=[LABEL::]GLOB``, ``tasks``,
            ``subsets``, ``inputs``, ``pipeline-graph``, ``task-graph``. Default: ``pipeline``.
        butler
            Repository whose dataset types are used.

        Raises
        ------
        InvalidInputError
            An item is not known; nothing else is done then.
        """
        wanted = [parse_show_item(item) for item in items or ("pipeline",)]
        needs_graph = any(item.needs_graph for item in wanted)
        graph = self.to_graph(butler, allow_missing=True) if needs_graph else None
        texts = [
            show_contents(item, self.contents) if not item.needs_graph or graph is None else show_graph(item, graph)
            for item in wanted
        ]
        return "\n".join(texts)

    # -- the graph ---------------------------------------------------------------------------------------------------

    def find_instrument(self) -> PipelineInstrument | None:
        """Give the instrument of the pipeline.

        Raises
        ------
        InstrumentNotFoundError
        """
        return None if self.instrument is None else find_instrument(self.instrument)

    def to_graph(
        self, butler: FactSource | None = None, *, allow_missing: bool = False, table: TaskTable | None = None
    ) -> PipelineGraph:
        """Import and configure all tasks, check the contracts, and connect the tasks.

        Parameters
        ----------
        butler
            Repository whose dataset types are used; without it the graph is for looking at, and what only a
            repository knows is left open.
        allow_missing
            Whether tasks that cannot be imported or configured (and an instrument that is not known) are shown
            without connections instead of being an error.
        table
            Descriptions of classes; those that are in it are not imported.

        Raises
        ------
        TaskImportError
            A class cannot be imported.
        TaskConfigurationError
            An override cannot be applied, or a configuration is not valid.
        ContractError, PipelineError
            A contract is broken, or cannot be checked.
        PipelineGraphError
            The connections do not fit each other or the repository, or tasks wait for each other.
        """
        checked = check_pipeline(self.contents, butler, table)
        first = next(iter(checked.errors), None)
        if first is not None and not allow_missing:
            raise first
        return checked.raise_errors(allow_missing=True)

    def check(
        self,
        butler: FactSource | None = None,
        *,
        table: TaskTable | None = None,
        thorough: bool = False,
        storage_classes: StorageClasses | None = None,
    ) -> PipelineCheck:
        """Make the graph as far as possible, and find everything that is wrong, not only the first thing.

        Parameters
        ----------
        butler, table
            As for `to_graph`.
        thorough
            Also check what would show in a repository or a run only: dimensions against the default universe if there
            is no repository, and whether ``run`` of each task takes its inputs.
        storage_classes
            Those that the connections may name; by default those of the repository, or the installed ones.
        """
        return check_pipeline(self.contents, butler, table, thorough=thorough, storage_classes=storage_classes)


def _location(uri: str | os.PathLike[str] | ResourcePath) -> str:
    """Give the text of a location; a local resource is named by its path."""
    if not isinstance(uri, ResourcePath):
        return os.fspath(uri)
    if not uri.is_local:
        return uri.geturl()
    return f"{uri.ospath}#{uri.fragment}" if uri.fragment else uri.ospath
