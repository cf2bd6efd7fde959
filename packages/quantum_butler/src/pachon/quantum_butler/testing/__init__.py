# SPDX-License-Identifier: BSD-3-Clause
"""Small real graphs for the tests of this layer and of those above."""

from pachon.quantum_butler.testing.busy_run import busy_run
from pachon.quantum_butler.testing.example import example_graph, example_tables

__all__ = ["busy_run", "example_graph", "example_tables"]
