# SPDX-License-Identifier: BSD-3-Clause
"""Connections: the declared inputs and outputs of a task."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.pipe_base.connections.connection_types import (
        Connection,
        DimensionedConnection,
        InitInput,
        InitOutput,
        Input,
        InputConnection,
        Output,
        PrerequisiteInput,
    )
    from pachon.pipe_base.connections.connections import ConnectionMap, PipelineTaskConnections, check_refs
    from pachon.pipe_base.connections.errors import ConnectionDefinitionError, MissingPrerequisiteError, ScalarError
    from pachon.pipe_base.connections.quantum_refs import QuantumRefs

__all__ = [
    "Connection",
    "ConnectionDefinitionError",
    "ConnectionMap",
    "DimensionedConnection",
    "InitInput",
    "InitOutput",
    "Input",
    "InputConnection",
    "MissingPrerequisiteError",
    "Output",
    "PipelineTaskConnections",
    "PrerequisiteInput",
    "QuantumRefs",
    "ScalarError",
    "check_refs",
]

_HERE = "pachon.pipe_base.connections"

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Connection": f"{_HERE}.connection_types",
        "ConnectionDefinitionError": f"{_HERE}.errors",
        "ConnectionMap": f"{_HERE}.connections",
        "DimensionedConnection": f"{_HERE}.connection_types",
        "InitInput": f"{_HERE}.connection_types",
        "InitOutput": f"{_HERE}.connection_types",
        "Input": f"{_HERE}.connection_types",
        "InputConnection": f"{_HERE}.connection_types",
        "MissingPrerequisiteError": f"{_HERE}.errors",
        "Output": f"{_HERE}.connection_types",
        "PipelineTaskConnections": f"{_HERE}.connections",
        "PrerequisiteInput": f"{_HERE}.connection_types",
        "QuantumRefs": f"{_HERE}.quantum_refs",
        "ScalarError": f"{_HERE}.errors",
        "check_refs": f"{_HERE}.connections",
    },
)
