# SPDX-License-Identifier: BSD-3-Clause
"""Tests of what is left when a write is cut off, and their small modules; ``docs/fault-tests.md`` tells what is tested."""
