# SPDX-License-Identifier: BSD-3-Clause
"""The pipeline tasks, one a module: connections, configuration, and the task."""
