# SPDX-License-Identifier: BSD-3-Clause
"""Datasets: insertion, finding, reading by id and removal."""
