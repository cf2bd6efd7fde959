# SPDX-License-Identifier: BSD-3-Clause
"""The commands of the ``butler`` program, one a module; a module imports click, and its work when it is called."""
