# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of a pipeline graph: text for a terminal, Mermaid, dot, and SVG without a system program."""
