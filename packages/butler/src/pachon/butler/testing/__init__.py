# SPDX-License-Identifier: BSD-3-Clause
"""A small real repository for tests of this layer and of those above."""

from pachon.butler.testing.example_repository import add_example_records, make_example_repository

__all__ = ["add_example_records", "make_example_repository"]
