# SPDX-License-Identifier: BSD-3-Clause
"""Tests that every storage must pass, and strategies for names of files."""

from pachon.resources.testing.names import file_names
from pachon.resources.testing.suite import ResourceSuite

__all__ = ["ResourceSuite", "file_names"]
