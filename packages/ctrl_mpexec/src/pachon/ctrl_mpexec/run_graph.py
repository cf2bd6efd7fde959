# SPDX-License-Identifier: BSD-3-Clause
"""`run_quantum_graph`: all quanta of a graph on this machine."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from pachon.base import InvalidInputError
from pachon.ctrl_mpexec.commit import OutputCommitter, OutputRegistry, ResultSink
from pachon.ctrl_mpexec.executor import Executor
from pachon.ctrl_mpexec.graph_store import keep_graph
from pachon.ctrl_mpexec.progress.reporter import ProgressReporter, SilentReporter
from pachon.ctrl_mpexec.run_options import RunOptions
from pachon.ctrl_mpexec.run_report import RunReport
from pachon.datasets import uuids_from_ids
from pachon.datastore import FileRecords
from pachon.dimensions import match_rows
from pachon.pipe_base.execution.graph_tasks import GraphTasks
from pachon.pipe_base.execution.outcome import QuantumStatus
from pachon.pipe_base.execution.packages import PackageVersionError
from pachon.pipe_base.execution.run_init import ConfigChangedError, initialize_run
from pachon.quantum_butler import RECEIPT_FOLDER, DatasetState, QuantumBackedButler, QuantumGraph, run_folder
from pachon.quantum_butler.known_outputs import with_known_outputs
from pachon.quantum_butler.run_journal import RunJournal
from pachon.quantum_butler.run_lock import run_lock
from pachon.resources import ResourcePath

__all__ = ["check_options", "initialize_graph", "initialize_only", "run_quantum_graph", "run_with_sink"]


def run_quantum_graph(
    graph: QuantumGraph,
    butler: OutputRegistry,
    *,
    processes: int | None = None,
    options: RunOptions | None = None,
    graph_uri: str | None = None,
    reporter: ProgressReporter | None = None,
) -> RunReport:
    """Run the quanta of a graph, each after those that make its inputs, and register what they write.

    Parameters
    ----------
    graph
        What to do.
    butler
        Takes the rows of the outputs.
    processes
        Number of workers; 1 runs everything in this process. Default: what the options say, which is 1 if they do not.
    options
        Further choices.
    graph_uri
        Where the graph lies already; otherwise workers read the file that is kept with the run, or a temporary one.
    reporter
        Is told how it goes.

    Returns
    -------
    RunReport
        The outcome of every quantum; failures of tasks do not raise here.

    Raises
    ------
    InvalidInputError
        If a task forbids what the options ask for.
    RunBusyError
        If another process writes to the run.
    ConfigChangedError, PackageVersionError
        If the run was made with other configurations or versions; nothing was run.
    """
    options = options or RunOptions()
    if processes is not None:
        options = replace(options, processes=processes)
    check_options(graph, options)
    tasks = GraphTasks(graph.pipeline, graph.universe)
    begin = time.monotonic()
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(run_lock(graph, options.root))
        options = _without_checks_of_a_new_run(graph, options)
        planned = graph
        graph, graph_uri = stack.enter_context(_with_init_outputs_of_the_run(graph, butler, graph_uri))
        kept = keep_graph(graph, options.root)
        # What was kept of this graph before does not know what another one has written since.
        kept_uri = str(kept) if kept is not None and graph is planned else None
        uri = stack.enter_context(_graph_file(graph, graph_uri or kept_uri))
        committer = OutputCommitter(graph, butler)
        files = FileRecords.empty()
        if not options.skip_init_writes:
            files = _initialize(uri, tasks, options, committer, journal)
        _remove_clobbered(graph, butler)
        report = run_with_sink(graph, uri, options, committer, reporter, journal)
    if report.with_status(QuantumStatus.DONE_BEFORE) or len(files) < _new_init_outputs(graph, options):
        # The graph was run before. If that run was cut off, some of what it wrote has no rows.
        butler.transfer_from_graph(graph)
    return replace(report, seconds=time.monotonic() - begin)


def _initialize(
    uri: str, tasks: GraphTasks, options: RunOptions, committer: OutputCommitter, journal: RunJournal
) -> FileRecords:
    """Write and register the init datasets of a graph file; give the records of the new files."""
    with _noted(journal):
        files = initialize_graph(uri, tasks, versions=options.versions, root=options.root)
    if len(files):
        journal.wrote()
    committer.add(files)
    committer.commit()
    return files


@contextlib.contextmanager
def _noted(journal: RunJournal) -> Iterator[None]:
    """Note that init-outputs may have been written, should something end it in their midst: a signal, a full disk."""
    try:
        yield
    except (ConfigChangedError, PackageVersionError):
        raise  # the run has others already
    except BaseException:
        journal.wrote()
        raise


@contextlib.contextmanager
def _with_init_outputs_of_the_run(
    graph: QuantumGraph, butler: OutputRegistry, graph_uri: str | None
) -> Iterator[tuple[QuantumGraph, str | None]]:
    """Let a graph go by the init-outputs that another graph has written to the run since it was built, and give its file.

    Whether they are the same as its own would be is looked at when they are to be written.
    """
    # A part knows the init-outputs of its own tasks only, and those of all tasks are written.
    whole = QuantumGraph.open(graph_uri) if graph.is_partial and graph_uri is not None else graph
    known = _init_outputs_of_others(whole, butler)
    if not known:
        yield graph, graph_uri
        return
    whole = with_known_outputs(whole, known)
    if not graph.is_partial or whole.is_partial:
        yield whole, None
        return
    with _graph_file(whole, None) as uri:
        yield whole.subset(uuids_from_ids(graph.ids)), uri


def _init_outputs_of_others(graph: QuantumGraph, butler: OutputRegistry) -> dict[str, uuid.UUID]:
    run = graph.header.output_run
    if run not in butler.fetch_collections([run]):
        return {}
    refs = [ref for label in graph.init_labels for ref in graph.init_quantum(label).init_outputs.values()]
    own = {ref.dataset_type.name: ref.id for ref in refs if ref.run == run}
    found = {
        name: butler.find_dataset(name, collections=[run]) for name in (butler.fetch_dataset_types(own) if own else ())
    }
    return {name: ref.id for name, ref in found.items() if ref is not None and ref.id != own[name]}


def _remove_clobbered(graph: QuantumGraph, butler: OutputRegistry) -> None:
    """Remove the outputs of quanta that were done when the graph was built and are to be run again.

    Their metadata would say that they are done, also if they fail this time.
    """
    for label in graph.task_counts():
        # Only a graph that was built to replace outputs replaces metadata.
        replaced = graph.dataset_states(f"{label}_metadata") == DatasetState.REPLACED
        if not replaced.any():
            continue
        done = graph.datasets(f"{label}_metadata").take(np.flatnonzero(replaced)).data_ids
        quanta = graph.quanta(label).parts[0]
        again = np.flatnonzero(match_rows(quanta.data_ids, done, done.group.required) >= 0)
        for quantum_id in uuids_from_ids(quanta.ids[again]):
            butler.prune([ref for refs in graph.quantum(quantum_id).outputs.values() for ref in refs], purge=True)


def _new_init_outputs(graph: QuantumGraph, options: RunOptions) -> int:
    """Give the number of files at least that the beginning of a first run writes."""
    if options.skip_init_writes:
        return 0
    refs = {
        ref.id: ref.dataset_type.name
        for label in graph.init_labels
        if label or options.versions
        for ref in graph.init_quantum(label).init_outputs.values()
    }
    return sum(graph.dataset_states(name)[0] == DatasetState.PREDICTED for name in refs.values())


def _without_checks_of_a_new_run(graph: QuantumGraph, options: RunOptions) -> RunOptions:
    """Look for no earlier outputs where there can be none: the run has no files yet but its lock."""
    source = graph.datastore
    if source is None or source.config.get("root") != source.root:
        return options  # its files lie in several places, or elsewhere
    root = ResourcePath(options.root if options.root is not None else source.root, force_directory=True)
    folder = run_folder(root, graph.header.output_run)
    if not root.is_local or not os.path.isdir(folder.ospath):
        return options
    if any(entry.name != RECEIPT_FOLDER for entry in os.scandir(folder.ospath)):
        return options
    return replace(options, execution=replace(options.execution, assume_no_existing_outputs=True))


def check_options(graph: QuantumGraph, options: RunOptions) -> None:
    """Refuse options that do not fit the tasks of a graph; nothing is imported.

    Raises
    ------
    InvalidInputError
        If a task must not run in a worker, and the options need workers.
    NotFoundError
        If a value is for a task that the pipeline does not have.
    """
    tasks = GraphTasks(graph.pipeline, graph.universe)
    # Of a run that is gone on with also those whose quanta are all done.
    options.check(tasks.labels)
    if not options.needs_workers:
        return
    counts = graph.task_counts()
    alone = [label for label in tasks.check_subprocesses() if counts.get(label)]
    if alone:
        raise InvalidInputError(
            f"Task {alone[0]!r} must not run in a subprocess; use one process, without limits of time and memory."
        )


def run_with_sink(
    graph: QuantumGraph,
    uri: str,
    options: RunOptions,
    sink: ResultSink,
    reporter: ProgressReporter | None = None,
    journal: RunJournal | None = None,
) -> RunReport:
    """Run the quanta of a graph, which lies in a file, and hand each result to a sink."""
    begin = time.monotonic()
    run = Executor(graph, uri, options, sink, reporter or SilentReporter(), journal or RunJournal(None))
    run.go()
    return RunReport(
        outcomes=tuple(run.outcomes),
        graph_summary=graph.summary(),
        seconds=time.monotonic() - begin,
        interrupted_by=run.interrupted_by,
        fail_fast=options.fail_fast,
    )


def initialize_graph(uri: str, tasks: GraphTasks, *, versions: bool = True, root: str | None = None) -> FileRecords:
    """Write configurations, versions and init-outputs of a graph file; give the records of the new files."""
    graph = QuantumGraph.open(uri)
    ids = [entry.id for entry in graph.structure.init.values()]
    with QuantumBackedButler.from_graph(graph, quanta=ids, root=root) as butler:
        initialize_run(graph, butler, tasks, versions=versions)
        return butler.take_written()


def initialize_only(graph: QuantumGraph, butler: OutputRegistry, options: RunOptions) -> None:
    """Write and register the init datasets of a graph, and run nothing.

    Raises
    ------
    RunBusyError
        If another process writes to the run.
    ConfigChangedError, PackageVersionError
        If the run was made with other configurations or versions; nothing was written.
    """
    tasks = GraphTasks(graph.pipeline, graph.universe)
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(run_lock(graph, options.root))
        known, _ = stack.enter_context(_with_init_outputs_of_the_run(graph, butler, None))
        uri = stack.enter_context(_graph_file(known, None))
        files = _initialize(uri, tasks, options, OutputCommitter(known, butler), journal)
    if len(files) < _new_init_outputs(known, options):
        # Some were written before; if that was cut off, they have no rows.
        butler.transfer_from_graph(known)


@contextlib.contextmanager
def _graph_file(graph: QuantumGraph, uri: str | None) -> Iterator[str]:
    if uri is not None:
        yield uri
        return
    with tempfile.TemporaryDirectory(prefix="pachon-run-") as folder:
        path = str(Path(folder) / "graph.qg")
        graph.write(path)
        yield path
