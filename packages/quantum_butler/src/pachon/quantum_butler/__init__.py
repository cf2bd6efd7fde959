# SPDX-License-Identifier: BSD-3-Clause
"""Quantum graphs: columns, file, picture, and a butler that needs no database."""
