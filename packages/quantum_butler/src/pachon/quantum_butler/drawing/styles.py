# SPDX-License-Identifier: BSD-3-Clause
"""Colours, shapes and sizes of the pictures, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pachon.quantum_butler.drawing.elements import EdgeKind, NodeKind

FONT_FAMILY = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"
FONT_SIZE = 12.0
TITLE_SIZE = 17.0
LINE_HEIGHT = 15.0
PADDING_X = 13.0
PADDING_Y = 8.0
NODE_GAP = 22.0
"""Least distance between neighbours in a layer."""
LAYER_GAP = 46.0
"""Least distance between layers; more where many edges bend."""
COMPONENT_GAP = 40.0
MARGIN = 28.0
STACK_OFFSET = 4.0
"""Shift of the cards behind a stacked node."""

INK = "#1f2933"
MUTED = "#52606d"
BACKGROUND = "#ffffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStyle:
    """How one kind of node looks."""

    fill: str
    stroke: str
    corner: Literal["box", "pill", "cut"]
    label: str
    """What the legend calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeStyle:
    """How one kind of edge looks."""

    stroke: str
    dashes: str
    label: str


# Okabe-Ito hues, paled for the fills: they stay apart for colour-blind readers and in print.
NODE_STYLES: dict[NodeKind, NodeStyle] = {
    "task": NodeStyle(fill="#dcebf7", stroke="#0072b2", corner="box", label="task"),
    "dataset": NodeStyle(fill="#f4f6f8", stroke="#7b8794", corner="pill", label="dataset"),
    "input": NodeStyle(fill="#d9f2e6", stroke="#009e73", corner="pill", label="overall input"),
    "prerequisite": NodeStyle(fill="#fdf0d5", stroke="#d98c00", corner="pill", label="prerequisite"),
    "init": NodeStyle(fill="#f6e3ee", stroke="#b8578f", corner="pill", label="init dataset"),
    "done": NodeStyle(fill="#cfeede", stroke="#00875f", corner="box", label="done"),
    "failed": NodeStyle(fill="#fbdfd3", stroke="#d55e00", corner="box", label="failed"),
    "dropped": NodeStyle(fill="#ececec", stroke="#9aa5b1", corner="box", label="dropped"),
}

EDGE_STYLES: dict[EdgeKind, EdgeStyle] = {
    "flow": EdgeStyle(stroke="#66788a", dashes="", label="input or output"),
    "prerequisite": EdgeStyle(stroke="#d98c00", dashes="6 4", label="prerequisite input"),
    "init": EdgeStyle(stroke="#b8578f", dashes="2 3", label="init-input or init-output"),
}
