# SPDX-License-Identifier: BSD-3-Clause
"""Small real graphs for the tests of this layer and of those above."""

from pachon.quantum_butler.testing.example import example_graph, example_tables

__all__ = ["example_graph", "example_tables"]
