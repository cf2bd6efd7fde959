# SPDX-License-Identifier: BSD-3-Clause
"""Conformance suites and example registries, for the tests of this layer and of those above."""
