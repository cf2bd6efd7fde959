# SPDX-License-Identifier: BSD-3-Clause
"""Printing status reports, from their documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import click

from pachon.base import FormatError, InvalidInputError, closest
from pachon.base.cli import print_table
from pachon.ctrl_mpexec.status_report import OverallStatus
from pachon.quantum_butler import QuantumGraph
from pachon.resources import ResourcePath

__all__ = ["failing_states", "print_report", "read_report"]

_BAR: Final = 20
_LEGEND: Final = (
    "Caveats: * all or + some outputs missing, A inputs that the task refused, D data that cannot be processed, "
    "U upstream failure, P partial outputs, N nothing to do."
)


def failing_states(names: Sequence[str]) -> frozenset[OverallStatus]:
    """Read the states for which a report is a failure.

    Raises
    ------
    InvalidInputError
        If there is no such state.
    """
    if not names:
        return frozenset({OverallStatus.FAILED, OverallStatus.BLOCKED, OverallStatus.WONKY})
    known = {state.value: state for state in OverallStatus if state is not OverallStatus.SUCCESSFUL}
    found = set()
    for name in names:
        if name.lower() == "none":
            continue
        if name.lower() not in known:
            raise InvalidInputError(
                f"--fail-on: there is no state {name!r}; there are {', '.join(known)}, none.{closest(name, known)}"
            )
        found.add(known[name.lower()])
    return frozenset(found)


def read_report(uri: str) -> Mapping[str, Any]:
    """Read a report that was written as JSON.

    Raises
    ------
    FormatError
        If it is none.
    """
    try:
        document = json.loads(ResourcePath(uri).read())
    except ValueError as error:
        raise FormatError(f"{uri} is no JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("tasks"), dict):
        raise FormatError(f"{uri} is no status report; 'pipetask report --full-output-filename' writes them.")
    return document


def print_report(
    document: Mapping[str, Any],
    *,
    format: str,
    table: str | None = None,
    brief: bool = False,
    pipeline: QuantumGraph | None = None,
) -> None:
    """Print a report: as JSON, as tables, or as a picture of the pipeline with bars.

    Parameters
    ----------
    document
        The report.
    format
        One of those of `print_table`. JSON is the whole report; of the others that are for programs each holds one table.
    table
        ``tasks``, ``datasets``, ``exceptions`` or ``quanta``, to be printed alone; by default people get all, and programs that of the tasks.
    brief
        Leave out lists of quanta.
    pipeline
        Draw this instead of tables.
    """
    if table is None and format == "json":
        click.echo(json.dumps(document, indent=2, default=str))
        return
    if table is not None or format != "table":
        print_table(_tables(document)[table or "tasks"](), format=format)
        return
    if pipeline is not None:
        click.echo("\n".join(_picture(document, pipeline)))
        return
    print_table(_task_table(document["tasks"]))
    if any(task.get("caveats") for task in document["tasks"].values()):
        click.echo(_LEGEND)
    click.echo()
    print_table(_dataset_table(document["datasets"]))
    exceptions = _exception_table(document["tasks"])
    if exceptions["Task"]:
        click.echo()
        print_table(exceptions)
    if not brief:
        for line in _lists(document["tasks"]):
            click.echo(line)


def _tables(document: Mapping[str, Any]) -> dict[str, Callable[[], dict[str, list[Any]]]]:
    return {
        "tasks": lambda: _task_table(document["tasks"]),
        "datasets": lambda: _dataset_table(document["datasets"]),
        "exceptions": lambda: _exception_table(document["tasks"]),
        "quanta": lambda: _quantum_table(document["tasks"]),
    }


def _exception_table(tasks: Mapping[str, Any]) -> dict[str, list[Any]]:
    rows = [
        (label, name, len(found)) for label, task in tasks.items() for name, found in task.get("exceptions", {}).items()
    ]
    return {
        "Task": [label for label, _, _ in rows],
        "Exception": [name for _, name, _ in rows],
        "Count": [count for _, _, count in rows],
    }


def _quantum_table(tasks: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Give the quanta that failed, are wonky or were interrupted, with a column for each of their dimensions."""
    rows = [
        (label, kind, entry)
        for label, task in tasks.items()
        for kind in ("failed", "wonky", "interrupted")
        for entry in task.get(f"{kind}_quanta", ())
    ]
    dimensions = dict.fromkeys(name for _, _, entry in rows for name in entry["data_id"])
    return {
        "Task": [label for label, _, _ in rows],
        "State": [kind for _, kind, _ in rows],
        **{name: [entry["data_id"].get(name) for _, _, entry in rows] for name in dimensions},
        "Message": ["; ".join(map(str, entry.get("messages", ()))) for _, _, entry in rows],
    }


def _task_table(tasks: Mapping[str, Any]) -> dict[str, list[Any]]:
    columns = ("unknown", "successful", "blocked", "failed", "wonky")
    found: dict[str, list[Any]] = {"Task": list(tasks)}
    for name in ("unknown", "successful"):
        found[name.capitalize()] = [task.get(f"n_{name}", 0) for task in tasks.values()]
    found["Caveats"] = [_caveat_text(task.get("caveats", {})) for task in tasks.values()]
    for name in ("blocked", "failed", "wonky"):
        found[name.capitalize()] = [task.get(f"n_{name}", 0) for task in tasks.values()]
    found["TOTAL"] = [sum(task.get(f"n_{name}", 0) for name in columns) for task in tasks.values()]
    found["EXPECTED"] = [task.get("n_expected", 0) for task in tasks.values()]
    return found


def _caveat_text(caveats: Mapping[str, Sequence[Any]]) -> str:
    return " ".join(f"{code}({len(found)})" for code, found in sorted(caveats.items()))


def _dataset_table(datasets: Mapping[str, Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {"Dataset": list(datasets)}
    for title, name in (
        ("Visible", "visible"),
        ("Shadowed", "shadowed"),
        ("Predicted only", "predicted_only"),
        ("Unsuccessful", "unsuccessful"),
        ("Cursed", "cursed"),
        ("EXPECTED", "expected"),
    ):
        found[title] = [one.get(f"n_{name}", 0) for one in datasets.values()]
    return found


def _lists(tasks: Mapping[str, Any]) -> Iterator[str]:
    for label, task in tasks.items():
        for kind in ("failed", "wonky", "interrupted"):
            for entry in task.get(f"{kind}_quanta", ()):
                messages = "; ".join(" ".join(str(one).split())[:300] for one in entry.get("messages", ())) or kind
                yield f"{kind} {label} {_values(entry['data_id'])}: {messages}"
        if recovered := task.get("recovered_quanta"):
            yield f"recovered {label}: {len(recovered)}"


def _values(data_id: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in data_id.items())


def _picture(document: Mapping[str, Any], graph: QuantumGraph) -> Iterator[str]:
    from pachon.pipe_base.pipeline_graph import PipelineGraph

    tasks = document["tasks"]
    width = max(map(len, tasks), default=0)
    drawn = PipelineGraph.from_document(graph.pipeline, graph.universe).draw("text")
    for line in drawn.splitlines():
        label = next((name for name in tasks if f" {name}" in f" {line} " and _is_task_line(line, name)), None)
        yield line if label is None else f"{line}  {_bar(tasks[label])}"
    yield ""
    yield from (f"{label:{width}}  {_bar(task)}" for label, task in tasks.items())


def _is_task_line(line: str, label: str) -> bool:
    words = line.replace("{", " ").replace(":", " ").split()
    return label in words and "■" in line


def _bar(task: Mapping[str, Any]) -> str:
    expected = max(task.get("n_expected", 0), 1)
    good = task.get("n_successful", 0)
    bad = sum(task.get(f"n_{name}", 0) for name in ("failed", "blocked", "wonky"))
    filled, crossed = round(_BAR * good / expected), round(_BAR * bad / expected)
    parts = [f"{good}/{task.get('n_expected', 0)} ({100 * good / expected:.0f}%)"]
    parts += [f"{task[f'n_{n}']} {n}" for n in ("failed", "blocked", "wonky", "unknown") if task.get(f"n_{n}")]
    return f"[{'█' * filled}{'x' * crossed}{'.' * max(_BAR - filled - crossed, 0)}] {', '.join(parts)}"
