# SPDX-License-Identifier: BSD-3-Clause
"""Going on with a run whose execution was cut off: what it wrote and could not register any more is registered first.

The rows of outputs are written in batches, so that a process that is killed leaves whole outputs without rows. A new graph would
give them other ids, and make them again.
"""

from __future__ import annotations

import logging

from pachon.base import PachonError
from pachon.butler import Butler
from pachon.ctrl_mpexec.graph_store import PROVENANCE_SUFFIX, graph_files
from pachon.quantum_butler import QuantumGraph
from pachon.quantum_butler.run_lock import was_cut_off

__all__ = ["register_what_was_cut_off"]

_log = logging.getLogger("pachon.ctrl_mpexec")


def register_what_was_cut_off(butler: Butler, run: str) -> int:
    """Register the outputs of all graphs of a run whose last execution did not come to its end; give their number."""
    if not was_cut_off(str(butler.datastore_document()["root"]), run):
        return 0
    count = 0
    for path in graph_files(butler, run):
        if path.basename().endswith(PROVENANCE_SUFFIX):
            continue
        try:
            count += butler.transfer_from_graph(QuantumGraph.open(path))
        except PachonError as error:
            _log.warning("What an execution of run %s left by graph %s cannot be registered: %s", run, path, error)
    if count:
        _log.info("%d outputs of an execution of run %s that was cut off are registered now.", count, run)
    return count
