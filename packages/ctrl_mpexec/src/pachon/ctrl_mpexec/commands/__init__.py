# SPDX-License-Identifier: BSD-3-Clause
"""The commands of ``pipetask``, one a module; they import their work when they run."""
