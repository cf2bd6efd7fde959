# SPDX-License-Identifier: BSD-3-Clause
"""A file of compressed, checksummed columns, of which any rows can be read with a few range reads.

It knows nothing of quanta; `pachon.quantum_butler.graph_columns` says what a graph stores in it.
The bytes are described in ``docs/formats/quantum-graph.md``.
"""
