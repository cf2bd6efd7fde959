# SPDX-License-Identifier: BSD-3-Clause
"""A small repository and small tasks that really run, for tests of whatever executes graphs."""
