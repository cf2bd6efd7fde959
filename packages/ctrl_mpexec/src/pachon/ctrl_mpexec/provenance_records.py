# SPDX-License-Identifier: BSD-3-Clause
"""What became of a quantum, from the metadata and the log that it left: pure functions of documents."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from pachon.pipe_base.outcomes import AttemptStatus
from pachon.quantum_butler.provenance_graph import QuantumRecord

__all__ = ["quantum_record"]


def quantum_record(metadata: Any, log: Any, *, keeps_log: bool = True, upstream_bad: bool = False) -> QuantumRecord:
    """Say what became of a quantum.

    Parameters
    ----------
    metadata, log
        The documents; `None` where there is none.
    keeps_log
        Whether the task writes logs at all.
    upstream_bad
        Whether a quantum whose outputs it reads failed, or was blocked.
    """
    log = log if isinstance(log, Mapping) else None
    status = _status(metadata is not None, log is not None, keeps_log=keeps_log, upstream_bad=upstream_bad)
    attempts = 0 if metadata is None and log is None else 1 + len((log or {}).get("previous_attempts", ()))
    exception = (log or {}).get("exception") or {}
    usage = _usage(metadata if metadata is not None else (log or {}).get("metadata"))
    scalars, arrays = usage.get("scalars", {}), usage.get("arrays", {})
    prep, init, start, end = (_time(arrays, moment) for moment in ("prep", "init", "start", "end"))
    memory = arrays.get("endMaxResidentSetSize") or arrays.get("startMaxResidentSetSize") or [-1]
    cpu = [(arrays.get(f"{moment}CpuTime") or [float("nan")])[0] for moment in ("start", "end")]
    return QuantumRecord(
        status=int(status),
        caveats=int(scalars.get("caveats", 0)) if metadata is not None else -1,
        attempts=attempts,
        exception=str(exception.get("type_name", "")),
        message=str(exception.get("message", "")),
        start=prep,
        prep_time=init - prep,
        init_time=start - init,
        run_time=end - start,
        run_time_cpu=cpu[1] - cpu[0],
        memory=int(memory[-1]),
        node=str(scalars.get("nodeName", "")),
    )


def _status(has_metadata: bool, has_log: bool, *, keeps_log: bool, upstream_bad: bool) -> AttemptStatus:
    if has_metadata:
        return AttemptStatus.SUCCESSFUL if has_log or not keeps_log else AttemptStatus.ABORTED_SUCCESS
    if has_log:
        return AttemptStatus.FAILED
    return AttemptStatus.BLOCKED if upstream_bad else AttemptStatus.UNKNOWN


def _usage(document: Any) -> Mapping[str, Any]:
    found = document.get("metadata", {}).get("quantum", {}) if isinstance(document, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def _time(arrays: Mapping[str, Any], moment: str) -> float:
    values = arrays.get(f"{moment}Utc")
    if not values:
        return float("nan")
    return datetime.datetime.fromisoformat(str(values[0])).replace(tzinfo=datetime.UTC).timestamp()
