# SPDX-License-Identifier: BSD-3-Clause
"""A graph as Mermaid text."""

from __future__ import annotations

import html

from pachon.pipe_base.pipeline_graph.pictures.model import PictureKind, PictureModel, PictureNode

__all__ = ["draw_mermaid"]

_CLASSES = {PictureKind.TASK: "task", PictureKind.DATASET_TYPE: "dsType", PictureKind.TASK_INIT: "taskInit"}
_STYLES = """\
classDef task fill:#B1F2EF,color:#000,stroke:#000,stroke-width:3px
classDef dsType fill:#F5F5F5,color:#000,stroke:#00BABC,stroke-width:3px
classDef taskInit fill:#F4DEFA,color:#000,stroke:#000,stroke-width:3px
"""


def draw_mermaid(model: PictureModel) -> str:
    """Give a graph as Mermaid text (``flowchart TD``)."""
    lines = ["flowchart TD"]
    for node in model.nodes:
        lines += [f'{node.key}["{_label(node)}"]', f"class {node.key} {_CLASSES[node.kind]};"]
    for edge in model.edges:
        arrow = "-.->" if edge.is_prerequisite else "-->"
        component = f"|.{edge.component}|" if edge.component else ""
        lines.append(f"{edge.source} {arrow}{component} {edge.target}")
    return "\n".join(lines) + "\n" + _STYLES


def _label(node: PictureNode) -> str:
    title = "<br>".join(f"<b>{html.escape(name)}</b>" for name in node.names)
    return "<br>".join(
        [title, *(html.escape(line).replace("{", "#123;").replace("}", "#125;") for line in node.details)]
    )
