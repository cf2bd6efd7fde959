# SPDX-License-Identifier: BSD-3-Clause
"""The built-in formatters, each registered in the entry-point group ``pachon.formatters`` as any other is."""
