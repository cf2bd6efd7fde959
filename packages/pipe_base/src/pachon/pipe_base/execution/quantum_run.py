# SPDX-License-Identifier: BSD-3-Clause
"""Running one quantum: check inputs, make the task, run it, keep metadata and log."""

from __future__ import annotations

import gc
import logging
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pachon.base import NotFoundError
from pachon.datasets import DatasetRef, Quantum
from pachon.pipe_base.connections import PipelineTaskConnections, QuantumRefs
from pachon.pipe_base.context import ExecutionResources
from pachon.pipe_base.execution.context import ButlerQuantumContext, QuantumButler
from pachon.pipe_base.execution.forked_child import leave_if_forked
from pachon.pipe_base.execution.log_capture import capture_log, log_document
from pachon.pipe_base.execution.outcome import ExceptionInfo, QuantumOutcome, QuantumStatus, is_hopeless
from pachon.pipe_base.outcomes import (
    AnnotatedPartialOutputsError,
    Caveats,
    InvalidQuantumError,
    NoWorkFound,
    RepeatableQuantumError,
)
from pachon.pipe_base.pipeline_task import PipelineTask
from pachon.pipe_base.task_metadata import TaskMetadata
from pachon.pipe_base.timing import record_usage

__all__ = ["ExecutionOptions", "TaskMaker", "record_lost_attempt", "run_quantum"]

_log = logging.getLogger("pachon.pipe_base.execution")

_KEPT_ATTEMPTS = 10
"""So many earlier attempts are kept in a log; a quantum that is tried for ever must not make it grow for ever."""

LOG_CONNECTION = "_log"
METADATA_CONNECTION = "_metadata"


class TaskMaker(Protocol):
    """Makes the task of a label, from the pipeline that a graph holds."""

    def connections(self, label: str) -> PipelineTaskConnections:
        """Give the task's connections."""
        ...

    def make_task(self, label: str, init_inputs: Mapping[str, Any]) -> PipelineTask:
        """Construct the task."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionOptions:
    """How quanta are run."""

    raise_on_partial_outputs: bool = True
    skip_existing: bool = True
    """Leave out quanta whose metadata exists in the output run."""
    assume_no_existing_outputs: bool = False
    """Check nothing: the run is known to be empty."""
    resources: ExecutionResources = ExecutionResources()  # noqa: RUF009  # it is frozen
    debug: bool = False
    """Let exceptions of tasks through, for a debugger."""


def run_quantum(
    quantum: Quantum,
    butler: QuantumButler,
    tasks: TaskMaker,
    options: ExecutionOptions | None = None,
    *,
    previous_quanta: Sequence[str] = (),
) -> QuantumOutcome:
    """Run one quantum and give its outcome; exceptions of the task become a part of it.

    Parameters
    ----------
    quantum
        What to do.
    butler
        Reads the inputs and writes the outputs.
    tasks
        Makes the task.
    options
        How.
    previous_quanta
        Ids of quanta that this process ran before; they are noted in the log.

    Notes
    -----
    The log is written after all other outputs, always; with it, and appearing after it, the metadata, only on success: their
    presence means that the quantum is done.
    """
    options = options or ExecutionOptions()
    begin = time.monotonic()
    metadata_ref = _single(quantum, METADATA_CONNECTION)
    look = options.skip_existing and not options.assume_no_existing_outputs
    if metadata_ref is not None and look and butler.exists(metadata_ref):
        return _outcome(quantum, QuantumStatus.DONE_BEFORE, seconds=time.monotonic() - begin)
    label = f"{quantum.task_label}:{quantum.data_id}" if quantum.data_id.group else quantum.task_label
    run = _run_of(quantum)
    with capture_log(label, run) as take_records:
        attempt = _Attempt(quantum, butler, tasks, options)
        outcome = _keep(attempt, attempt.run(), take_records, previous_quanta, look=look)
    return replace(outcome, seconds=time.monotonic() - begin)


def _keep(
    attempt: _Attempt,
    outcome: QuantumOutcome,
    take_records: Callable[[], list[dict[str, Any]]],
    previous_quanta: Sequence[str],
    *,
    look: bool,
) -> QuantumOutcome:
    """Write log and metadata; give the outcome with both among its outputs."""
    quantum, butler = attempt.quantum, attempt.butler
    log_ref, metadata_ref = _single(quantum, LOG_CONNECTION), _single(quantum, METADATA_CONNECTION)
    extra: dict[str, Any] = {"previous_process_quanta": list(previous_quanta)}
    if log_ref is not None and look and (earlier := _earlier_attempts(butler, log_ref)):
        extra["previous_attempts"] = earlier
    if outcome.status is QuantumStatus.SUCCESS and metadata_ref is not None:
        if outcome.exception is not None:
            extra["exception"] = outcome.exception.to_document()
        try:
            kept = [(attempt.metadata_document(outcome), metadata_ref)]
            if log_ref is not None:
                kept.insert(0, (log_document(take_records(), **extra), log_ref))
            butler.put_many(kept)
            return replace(outcome, outputs=(*outcome.outputs, *(ref.id for _, ref in reversed(kept))))
        except Exception as error:  # noqa: BLE001  # without metadata the quantum is not done
            outcome = attempt.failed(error)
    if log_ref is None:
        return outcome
    if outcome.exception is not None:
        extra["exception"] = outcome.exception.to_document()
    if outcome.status is QuantumStatus.FAILURE:
        extra["metadata"] = attempt.notes_so_far()
    butler.put(log_document(take_records(), **extra), log_ref)
    return replace(outcome, outputs=(*outcome.outputs, log_ref.id))


def record_lost_attempt(quantum: Quantum, butler: QuantumButler, outcome: QuantumOutcome) -> None:
    """Write the log of an attempt whose process ended before it could; nothing if the task keeps no log.

    Parameters
    ----------
    quantum, butler
        What was to be done, and where the log goes.
    outcome
        What is known: its exception says how the process ended.
    """
    log_ref = _single(quantum, LOG_CONNECTION)
    if log_ref is None:
        return
    extra: dict[str, Any] = {"previous_process_quanta": []}
    if outcome.exception is not None:
        extra["exception"] = outcome.exception.to_document()
    if earlier := _earlier_attempts(butler, log_ref):
        extra["previous_attempts"] = earlier
    butler.put(log_document([], **extra), log_ref)


def _earlier_attempts(butler: QuantumButler, log_ref: DatasetRef) -> list[dict[str, Any]]:
    """Give what the log of an earlier attempt says, oldest first, for the log that takes its place."""
    if not butler.exists(log_ref):
        return []
    try:
        log = butler.get(log_ref)
    except Exception as error:  # noqa: BLE001  # a damaged log must not stop what is to replace it
        _log.warning("The log of an earlier attempt cannot be read: %s", error)
        return []
    if not isinstance(log, Mapping):
        return []
    last = {name: log[name] for name in ("exception", "metadata", "previous_process_quanta") if name in log}
    attempts = [*log.get("previous_attempts", ()), {**last, "logs": list(log.get("records", ()))}]
    return attempts[-_KEPT_ATTEMPTS:]


def _single(quantum: Quantum, connection: str) -> DatasetRef | None:
    refs = quantum.outputs.get(connection, ())
    return refs[0] if refs else None


def _run_of(quantum: Quantum) -> str:
    return next((ref.run for refs in quantum.outputs.values() for ref in refs), "")


def _outcome(quantum: Quantum, status: QuantumStatus, **more: Any) -> QuantumOutcome:
    return QuantumOutcome(
        quantum_id=quantum.id,
        task_label=quantum.task_label,
        data_id=quantum.data_id.required,
        status=status,
        **more,
    )


class _Attempt:
    """One attempt: from checking inputs to writing the metadata."""

    def __init__(self, quantum: Quantum, butler: QuantumButler, tasks: TaskMaker, options: ExecutionOptions) -> None:
        self.quantum, self.butler, self.tasks, self.options = quantum, butler, tasks, options
        self.usage = TaskMetadata()
        self.metadata = TaskMetadata()
        self.context: ButlerQuantumContext | None = None
        self.early = Caveats(0)
        self.predicted = [
            ref.id
            for name, refs in quantum.outputs.items()
            if name not in (LOG_CONNECTION, METADATA_CONNECTION)
            for ref in refs
        ]

    def run(self) -> QuantumOutcome:
        caveats = Caveats(0)
        exception: ExceptionInfo | None = None
        try:
            record_usage(self.usage, "prep")
            self._execute_in_this_process()
        except NoWorkFound as error:
            _log.info("Nothing to do for %s: %s", self.quantum, error)
            caveats |= error.caveats | self.early
            exception = ExceptionInfo.of(error)
        except AnnotatedPartialOutputsError as error:
            if self.options.raise_on_partial_outputs or self.options.debug:
                return self.failed(error.__cause__ or error)
            _log.warning("Only a part of the outputs of %s was made: %s", self.quantum, error.__cause__ or error)
            caveats |= Caveats.PARTIAL_OUTPUTS_ERROR
            exception = ExceptionInfo.of(error.__cause__ or error)
        except KeyboardInterrupt:
            raise  # the user wants all of it to end
        except BaseException as error:  # noqa: BLE001  # whatever a task raises is the outcome of its quantum
            return self.failed(error)
        written = () if self.context is None else tuple(self.context.written)
        caveats |= Caveats.from_outputs(len(written), len(self.predicted)) if self.predicted else Caveats(0)
        return _outcome(
            self.quantum,
            QuantumStatus.SUCCESS,
            caveats=caveats,
            exception=exception,
            outputs=written,
            warnings=() if self.context is None else tuple(self.context.warnings),
        )

    def _execute_in_this_process(self) -> None:
        process = os.getpid()
        try:
            self._execute()
        except BaseException as error:
            leave_if_forked(process, error)
            raise
        leave_if_forked(process)

    def _execute(self) -> None:
        label = self.quantum.task_label
        connections = self.tasks.connections(label)
        quantum = self._with_available_inputs(connections)
        record_usage(self.usage, "init")
        init_inputs = {name: self._init_input(name, ref) for name, ref in quantum.init_inputs.items()}
        task = self.tasks.make_task(label, init_inputs)
        record_usage(self.usage, "start")
        self.context = ButlerQuantumContext(self.butler, quantum, connections, self.options.resources)
        inputs = QuantumRefs(quantum.inputs, {**connections.inputs, **connections.prerequisite_inputs})
        outputs = QuantumRefs(quantum.outputs, connections.outputs)
        try:
            task.run_quantum(self.context, inputs, outputs)
        finally:
            self.metadata = task.full_metadata()
            record_usage(self.usage, "end")

    def _init_input(self, name: str, ref: DatasetRef) -> Any:
        try:
            return self.butler.get(ref)
        except NotFoundError as error:
            raise NotFoundError(
                f"Init-input {name!r} is missing, which is written before any quantum runs: by 'pipetask run' without "
                f"--skip-init-writes, or by 'pipetask pre-exec-init-qbb'. {error}"
            ) from error

    def _with_available_inputs(self, connections: PipelineTaskConnections) -> Quantum:
        """Leave out inputs that were predicted and not made; ask the task if it can do without them."""
        missing = self.butler.find_missing([ref for refs in self.quantum.inputs.values() for ref in refs])
        regular = {
            name: tuple(ref for ref in refs if ref.id not in missing) for name, refs in self.quantum.inputs.items()
        }
        plain = {
            name: refs
            for name, refs in self.quantum.outputs.items()
            if name not in (LOG_CONNECTION, METADATA_CONNECTION)
        }
        quantum = Quantum(
            id=self.quantum.id,
            task_label=self.quantum.task_label,
            data_id=self.quantum.data_id,
            inputs=regular,
            outputs=plain,
            init_inputs=self.quantum.init_inputs,
            init_outputs=self.quantum.init_outputs,
        )
        if all(len(regular[name]) == len(refs) for name, refs in self.quantum.inputs.items()):
            return quantum
        return self._adjusted(quantum, connections)

    def _adjusted(self, quantum: Quantum, connections: PipelineTaskConnections) -> Quantum:
        known = {**connections.inputs, **connections.prerequisite_inputs}
        try:
            changed, changed_outputs = connections.adjust_quantum(
                {name: (known[name], quantum.inputs.get(name, ())) for name in known},
                {name: (connection, quantum.outputs.get(name, ())) for name, connection in connections.outputs.items()},
                quantum.task_label,
                quantum.data_id,
            )
        except NoWorkFound:
            self.early = Caveats.ADJUST_QUANTUM_RAISED
            raise
        inputs = {**quantum.inputs, **{name: tuple(refs) for name, (_, refs) in changed.items()}}
        outputs = {**quantum.outputs, **{name: tuple(refs) for name, (_, refs) in changed_outputs.items()}}
        return replace(quantum, inputs=inputs, outputs=outputs)

    def metadata_document(self, outcome: QuantumOutcome) -> dict[str, Any]:
        """Give the metadata dataset of an attempt that succeeded."""
        full = self.metadata
        if not full.metadata:
            full.metadata[self.quantum.task_label] = TaskMetadata()
        usage = self.usage
        # Plain numbers and texts under names without dots: they need none of the checks of `TaskMetadata`.
        usage.scalars.update(__version__=1, nodeName=platform.node(), caveats=int(outcome.caveats))
        usage.arrays["outputs"] = [str(item) for item in outcome.outputs]
        butler, garbage = TaskMetadata(), TaskMetadata()
        butler.scalars.update({} if self.context is None else self.context.metrics, time_in_ingest=0.0, n_ingest=0)
        garbage.scalars["end_isenabled"] = gc.isenabled()
        garbage.arrays["end_count"] = list(gc.get_count())
        usage.metadata.update(butler_metrics=butler, gc_metrics=garbage)
        full.metadata["quantum"] = usage
        return full.to_document()

    def notes_so_far(self) -> dict[str, Any]:
        """Give what would be the metadata dataset, had the quantum not failed: how far it came and what it used."""
        try:
            self.metadata.metadata["quantum"] = self.usage
            return self.metadata.to_document()
        except Exception:  # noqa: BLE001  # what the task noted may be why it failed, and must not cost the log too
            return TaskMetadata({"quantum": self.usage}).to_document()

    def failed(self, error: BaseException) -> QuantumOutcome:
        """Log why the attempt failed, and give its outcome."""
        info = ExceptionInfo.of(error)
        if info.is_shortened:
            # The traceback that logging makes itself would hold all of it.
            _log.error("Execution of %s failed: %s\n%s", self.quantum, info.message, info.traceback)
        else:
            _log.error("Execution of %s failed: %s", self.quantum, info.message, exc_info=error)
        if self.options.debug:
            raise error
        code = getattr(error, "exit_code", 1) if isinstance(error, RepeatableQuantumError | InvalidQuantumError) else 1
        return _outcome(
            self.quantum,
            QuantumStatus.FAILURE,
            exception=info,
            outputs=() if self.context is None else tuple(self.context.written),
            exit_code=code,
            fatal=isinstance(error, InvalidQuantumError) or is_hopeless(error),
            is_out_of_memory=isinstance(error, MemoryError),
        )
