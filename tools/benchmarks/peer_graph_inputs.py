# SPDX-License-Identifier: BSD-3-Clause
"""Say what each quantum of a graph of LSST's packages reads; run by their interpreter.

usage: peer_graph_inputs.py GRAPH.qg OUT.json FOLDER-OF-TASKS

OUT gets for each task the quanta, each with its data ID and its inputs by dataset type, all sorted: what `graph_inputs` gives of ours.
"""

import json
import sys
from pathlib import Path
from typing import Any

from lsst.pipe.base.quantum_graph import PredictedQuantumGraph


def main() -> None:
    sys.path.insert(0, sys.argv[3])
    with PredictedQuantumGraph.open(sys.argv[1]) as reader:
        reader.read_all()
        graph = reader.finish()
    quanta: dict[str, list[Any]] = {}
    made = graph.build_execution_quanta()
    for label, rows in graph.quanta_by_task.items():
        for quantum_id in rows.values():
            quantum = made[quantum_id]
            inputs = {
                kind.name: sorted(_items(ref.dataId) for ref in refs) for kind, refs in quantum.inputs.items() if refs
            }
            quanta.setdefault(label, []).append([_items(quantum.dataId), sorted(inputs.items())])
    Path(sys.argv[2]).write_text(json.dumps({label: sorted(rows) for label, rows in quanta.items()}))


def _items(data_id: Any) -> list[Any]:
    return sorted(dict(data_id.required).items())


if __name__ == "__main__":
    main()
