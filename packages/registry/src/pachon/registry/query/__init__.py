# SPDX-License-Identifier: BSD-3-Clause
"""Queries: text -> syntax tree -> resolved tree -> plan -> SQL -> columns, one module an arrow."""
