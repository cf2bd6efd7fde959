# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of graphs as SVG text or PNG images, made without a system program."""

from pachon.quantum_butler.drawing.draw import draw_layered, draw_layered_png
from pachon.quantum_butler.drawing.elements import Edge, EdgeKind, Node, NodeKind

__all__ = ["Edge", "EdgeKind", "Node", "NodeKind", "draw_layered", "draw_layered_png"]
