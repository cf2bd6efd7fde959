# SPDX-License-Identifier: BSD-3-Clause
"""Building quantum graphs: ``plan -> fetch facts -> skeleton -> resolve -> prune -> freeze``.

Each stage is a function from one named value to the next; only `pachon.pipe_base.graph_builder.fetch` does I/O.
"""
