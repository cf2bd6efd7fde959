# SPDX-License-Identifier: BSD-3-Clause
"""Nodes and edges of a picture: what is drawn, before it has a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

NodeKind: TypeAlias = Literal["task", "dataset", "input", "prerequisite", "init", "done", "failed", "dropped"]
"""What a node stands for; it decides shape and colours.

``task``: a task or quantum; ``dataset``: one made in the graph; ``input``: an overall input; ``prerequisite``: a
prerequisite (calibration, reference catalogue); ``init``: an init-input or init-output; ``done``, ``failed`` and
``dropped``: quanta with that fate.
"""

EdgeKind: TypeAlias = Literal["flow", "prerequisite", "init"]
"""What an edge stands for: ``flow`` is drawn solid, ``prerequisite`` dashed, ``init`` dotted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One box of the picture."""

    key: str
    """Name that edges use; unique in the picture."""
    lines: tuple[str, ...]
    """Label, from top to bottom; the first line is the title, in bold."""
    kind: NodeKind = "task"
    """What it stands for."""
    tooltip: str = ""
    """Text shown when the pointer rests on the box; may have several lines."""
    stacked: bool = False
    """Draw it as a pile of cards: it stands for many things."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One arrow of the picture."""

    source: str
    """Key of the node it starts at."""
    target: str
    """Key of the node it points to."""
    kind: EdgeKind = "flow"
    """What it stands for."""
    tooltip: str = ""
    """Text shown when the pointer rests on the arrow."""
