# SPDX-License-Identifier: BSD-3-Clause
"""Dimension records: insertion, reading, and completing data IDs with them."""
