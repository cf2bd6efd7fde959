# SPDX-License-Identifier: BSD-3-Clause
"""``butler provenance-report``: tables of what became of the quanta of a run."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pachon.base import InvalidInputError, NotFoundError, closest
from pachon.base.cli import print_table
from pachon.ctrl_mpexec.summary_file import write_summary, write_text
from pachon.datasets import uuids_from_ids
from pachon.pipe_base.outcomes import AttemptStatus, Caveats
from pachon.quantum_butler.provenance_graph import ProvenanceGraph, QuantumRecord

if TYPE_CHECKING:
    from pachon.butler import Butler

__all__ = ["load_provenance", "report_provenance"]

_STATES: Final = {status.name.lower(): int(status) for status in AttemptStatus}


@dataclass(frozen=True, slots=True)
class _Row:
    label: str
    quantum: str
    data_id: dict[str, Any]
    record: QuantumRecord

    @property
    def state(self) -> str:
        return AttemptStatus(self.record.status).name.lower()

    @property
    def caveats(self) -> str:
        return Caveats(self.record.caveats).code() if self.record.caveats >= 0 else ""


def load_provenance(repo_or_graph: str, collection: str | None) -> list[ProvenanceGraph]:
    """Find provenance graphs, oldest first: a file, the dataset of a run, or else what the files of a run say.

    A run that was gone on with has a graph for each time; what the later ones say counts.

    Raises
    ------
    InvalidInputError
        If a repository is named without a collection.
    NotFoundError
        If the run keeps no graph.
    """
    if repo_or_graph.endswith(".qg"):
        return [ProvenanceGraph.open(repo_or_graph)]
    if collection is None:
        raise InvalidInputError("Name the collection of the run, or the file (.qg) of a provenance graph.")
    from pachon.butler import Butler

    with Butler.open(repo_or_graph) as butler:
        butler.collections.get(collection)
        for run in butler.flatten_collections([collection]):
            found = _provenance_of_run(butler, run)
            if found:
                return sorted(found, key=lambda one: one.graph.header.created)
    raise NotFoundError(f"{collection!r} keeps no graph; name the file of its provenance graph.")


def _provenance_of_run(butler: Butler, run: str) -> list[ProvenanceGraph]:
    """Give a provenance graph for each graph of a run: the one that was ingested or written, or what the files say now."""
    from pachon.ctrl_mpexec.aggregation import scan_graph
    from pachon.ctrl_mpexec.graph_merging import find_run_provenance
    from pachon.ctrl_mpexec.graph_store import PROVENANCE_SUFFIX, graph_files
    from pachon.quantum_butler import QuantumGraph

    ref = find_run_provenance(butler, run)
    found = [] if ref is None else [butler.get(ref)]
    files = graph_files(butler, run)
    written = [path for path in files if path.basename().endswith(PROVENANCE_SUFFIX)]
    found += [ProvenanceGraph.open(path) for path in written]
    known = {one.graph.header.graph_id for one in found}
    for path in files:
        graph = QuantumGraph.open(path)
        if graph.header.graph_id not in known:
            known.add(graph.header.graph_id)
            found.append(scan_graph(graph.loaded()).provenance)
    return found


def report_provenance(
    graphs: Sequence[ProvenanceGraph],
    *,
    format: str,
    say: Callable[[str], None],
    states: Sequence[str] = (),
    no_states: Sequence[str] = (),
    caveats: Sequence[str] = (),
    status_report: str | None = None,
    quantum_table: bool = True,
    exception_table: bool = True,
    data_id_table_dir: str | None = None,
) -> None:
    """Print and write the tables.

    Raises
    ------
    InvalidInputError
        If there is no such state.
    """
    for name in (*states, *no_states):
        if name.lower() not in _STATES:
            raise InvalidInputError(
                f"There is no state {name!r}; there are {', '.join(_STATES)}.{closest(name, _STATES)}"
            )
    kept, dropped = {s.lower() for s in states}, {s.lower() for s in no_states}
    letters = {letter for code in caveats for letter in code}
    every = _rows(graphs)
    rows = [
        row
        for row in every
        if (not kept or row.state in kept) and row.state not in dropped and (not letters or letters & set(row.caveats))
    ]
    tables = {}
    if quantum_table:
        tables["quanta"] = _count_table(rows, every)
    if exception_table:
        tables["exceptions"] = _exception_table(rows)
    if format == "json":
        say(json.dumps(tables, indent=1))
    elif format != "table":
        # A program reads one table from one stream: the first that was not left out.
        print_table(next(iter(tables.values()), {}), format=format)
    else:
        for number, table in enumerate(table for name, table in tables.items() if name == "quanta" or table["Task"]):
            if number:
                say("")
            print_table(table)
    if status_report:
        write_summary(
            status_report, {"run": graphs[-1].graph.header.output_run, "quanta": [_document(row) for row in rows]}
        )
    if data_id_table_dir:
        _write_tables(rows, data_id_table_dir)


def _rows(graphs: Sequence[ProvenanceGraph]) -> list[_Row]:
    """Give the quanta of all graphs; of those with the same data ID the one of the last graph."""
    found: dict[tuple[str, tuple[Any, ...]], _Row] = {}
    for graph in graphs:
        for part in graph.graph.quanta().parts:
            ids = uuids_from_ids(part.ids)
            for quantum, data_id, record in zip(ids, part.data_ids, graph.records(part.label), strict=True):
                row = _Row(part.label, str(quantum), data_id.required, record)
                found[part.label, data_id.required_values] = row
    return list(found.values())


def _document(row: _Row) -> dict[str, Any]:
    document = {"task": row.label, "quantum": row.quantum, "data_id": row.data_id, **row.record.to_document()}
    return document | {"status": row.state} | ({"caveats": row.caveats} if row.caveats else {})


def _count_table(rows: Sequence[_Row], every: Sequence[_Row]) -> dict[str, list[Any]]:
    counts = Counter((row.label, row.state) for row in rows)
    codes: dict[str, Counter[str]] = {}
    for row in rows:
        if row.caveats:
            codes.setdefault(row.label, Counter())[row.caveats] += 1
    totals = Counter(row.label for row in every)
    labels = list(totals)
    shown = ["successful", "failed", "blocked", "unknown"]
    shown += [state for state in _STATES if state not in shown and any(key[1] == state for key in counts)]
    table: dict[str, list[Any]] = {"Task": labels}
    table |= {state.replace("_", " ").capitalize(): [counts[label, state] for label in labels] for state in shown}
    table["Caveats"] = [
        " ".join(f"{code}({count})" for code, count in sorted(codes.get(label, {}).items())) for label in labels
    ]
    table["TOTAL"] = list(totals.values())
    return table


def _exception_table(rows: Sequence[_Row]) -> dict[str, list[Any]]:
    counts = Counter((row.label, row.record.exception, row.state) for row in rows if row.record.exception)
    return {
        "Task": [key[0] for key in counts],
        "Exception": [key[1] for key in counts],
        "State": [key[2] for key in counts],
        "Count": list(counts.values()),
    }


def _write_tables(rows: Sequence[_Row], folder: str) -> None:
    groups: dict[str, list[_Row]] = {}
    for row in rows:
        name = "-".join(filter(None, (row.label, row.state, row.record.exception)))
        groups.setdefault(re.sub(r"[^A-Za-z0-9_.-]", "_", name), []).append(row)
    for name, group in groups.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(group[0].data_id)
        writer.writerows(list(row.data_id.values()) for row in group)
        write_text(f"{folder.rstrip('/')}/{name}.csv", text.getvalue())
