# SPDX-License-Identifier: BSD-3-Clause
"""Running quanta: one at a time, by resolved references, with no registry."""
