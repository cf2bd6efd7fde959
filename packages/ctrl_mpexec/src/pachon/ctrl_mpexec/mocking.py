# SPDX-License-Identifier: BSD-3-Clause
"""``--mock``: a pipeline whose tasks are replaced by mocks with the same connections."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pachon.base import InvalidInputError, NotFoundError, closest
from pachon.butler import Butler
from pachon.ctrl_mpexec.data_id_expression import parse_expression
from pachon.ctrl_mpexec.memory_size import parse_memory
from pachon.ctrl_mpexec.mock_task import MOCK_PREFIX, MockConfig, MockTask, import_exception
from pachon.pipe_base.pipeline_graph import GraphSubset, PipelineGraph, TaskNode, load_task
from pachon.pipe_base.pipeline_graph.task_loading import make_task_node

__all__ = ["MockFailure", "MockRequest", "mock_pipeline", "parse_mock_failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MockFailure:
    """How the mock of a task fails."""

    label: str
    exception: str = "ValueError"
    where: str = ""
    """Expression over data IDs; empty for all."""
    memory: int = 0
    """Bytes with which it does not fail; 0 for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MockRequest:
    """What is mocked, and how mocks fail."""

    failures: tuple[MockFailure, ...] = ()
    unmocked: tuple[str, ...] = ()
    """Dataset types that keep their names; overall inputs of which the repository has no mocks do so too."""


def parse_mock_failure(text: str) -> MockFailure:
    """Read ``LABEL:EXCEPTION:WHERE[:MEMORY]``; exception and expression may be empty.

    Raises
    ------
    InvalidInputError
        If it has another form, or names no exception.
    """
    label, _, rest = text.partition(":")
    exception, _, rest = rest.partition(":")
    where, memory = _split_memory(rest)
    if not label or (":" in where and not _is_expression(where)):
        raise InvalidInputError(f"--mock-failure needs LABEL:EXCEPTION:WHERE[:MEMORY]; got {text!r}.")
    if exception:
        import_exception(exception)
    if where:
        parse_expression(where)
    return MockFailure(
        label=label.removeprefix(MOCK_PREFIX),
        exception=exception or "ValueError",
        where=where,
        memory=parse_memory(memory) or 0 if memory else 0,
    )


def _split_memory(text: str) -> tuple[str, str]:
    """Split ``WHERE[:MEMORY]``; ranges with a step and texts have colons of their own."""
    if ":" not in text or _is_expression(text):
        return text, ""
    where, _, memory = text.rpartition(":")
    return where, memory


def _is_expression(text: str) -> bool:
    try:
        parse_expression(text)
    except InvalidInputError:
        return False
    return True


def mock_pipeline(pipeline: PipelineGraph, butler: Butler, request: MockRequest) -> PipelineGraph:
    """Replace every task by a mock; labels and dataset types get the prefix ``_mock_``.

    Raises
    ------
    NotFoundError
        If a failure names a task, or an unmocked type is one, that the pipeline does not have.
    """
    failures = {failure.label: failure for failure in request.failures}
    for label in failures:
        if label not in pipeline.tasks:
            raise NotFoundError(f"--mock-failure: there is no task {label!r}.{closest(label, pipeline.tasks)}")
    overall = pipeline.overall_inputs()
    for name in request.unmocked:
        if name not in overall:
            raise NotFoundError(f"--unmocked-dataset-types: {name!r} is no overall input.{closest(name, overall)}")
    mocked_inputs = butler.fetch_dataset_types([f"{MOCK_PREFIX}{name}" for name in overall])
    unmocked = {name for name in overall if f"{MOCK_PREFIX}{name}" not in mocked_inputs} | set(request.unmocked)
    stored = {name: known.storage_class for name, known in butler.fetch_dataset_types(sorted(unmocked)).items()}
    # What neither the repository nor this installation knows can be there as a mock only.
    unmocked -= {
        name
        for name in unmocked - stored.keys() - set(request.unmocked)
        if pipeline.dataset_types[name].storage_class not in butler.storage_classes
    }
    tasks = [_mocked(node, failures.get(label), unmocked, stored) for label, node in pipeline.tasks.items()]
    subsets = {
        name: GraphSubset(
            name=name,
            labels=tuple(f"{MOCK_PREFIX}{label}" for label in subset.labels),
            description=subset.description,
        )
        for name, subset in pipeline.subsets.items()
    }
    return PipelineGraph.build(
        tasks,
        universe=pipeline.universe,
        subsets=subsets,
        description=f"mock of: {pipeline.description}",
        instrument=pipeline.instrument,
        data_id=pipeline.data_id,
        parameters=pipeline.parameters,
    )


def _mocked(node: TaskNode, failure: MockFailure | None, unmocked: set[str], stored: Mapping[str, str]) -> TaskNode:
    loaded = load_task(node)
    config = MockConfig()
    config.original = loaded.class_name
    config.original_config = json.dumps(loaded.config_document)
    config.unmocked = sorted({edge.dataset_type_name for edge in loaded.edges} & unmocked)
    config.stored_as = {name: stored[name] for name in config.unmocked if name in stored}
    config.saveLogOutput = loaded.log_output is not None
    if failure is not None:
        config.fail_exception, config.fail_where, config.fail_memory = failure.exception, failure.where, failure.memory
    config.freeze()
    mock = make_task_node(f"{MOCK_PREFIX}{node.label}", MockTask, config)
    # Hooks are called only where the original has one: calling them for every quantum is slow.
    return dataclasses.replace(
        mock,
        adjusts_quanta=loaded.adjusts_quanta,
        adjusts_all_quanta=loaded.adjusts_all_quanta,
        can_multiprocess=loaded.can_multiprocess,
    )
