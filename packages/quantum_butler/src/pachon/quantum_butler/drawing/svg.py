# SPDX-License-Identifier: BSD-3-Clause
"""Paint a layout as SVG text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from pachon.quantum_butler.drawing import styles
from pachon.quantum_butler.drawing.elements import Edge, Node
from pachon.quantum_butler.drawing.layout import Box, Direction, Layout
from pachon.quantum_butler.drawing.text import text_width


def paint(layout: Layout, nodes: Sequence[Node], edges: Sequence[Edge], *, title: str | None = None) -> str:
    """Return the SVG document of a picture: title, edges, nodes and a legend of the kinds in it."""
    top = styles.MARGIN + (styles.TITLE_SIZE * 1.9 if title else 0.0)
    legend, legend_width, legend_height = _legend(nodes, edges)
    title_width = text_width(title or "", styles.TITLE_SIZE, bold=True)
    inner = max(layout.width, legend_width, title_width)
    width = inner + 2 * styles.MARGIN
    height = top + layout.height + styles.STACK_OFFSET * 2 + legend_height + styles.MARGIN
    shift = styles.MARGIN + (inner - layout.width) / 2
    body: list[str] = [_definitions(edges), f'<rect width="100%" height="100%" fill="{styles.BACKGROUND}"/>']
    if title:
        body.append(
            f'<text x="{styles.MARGIN:g}" y="{styles.MARGIN + styles.TITLE_SIZE * 0.8:.1f}" class="title">'
            f"{escape(title)}</text>"
        )
    body.append(f'<g transform="translate({shift:.1f} {top:.1f})">')
    body += [_edge(edge, route, layout.direction) for edge, route in zip(edges, layout.routes, strict=True)]
    body += [_node(node, box) for node, box in zip(nodes, layout.boxes, strict=True)]
    body.append("</g>")
    if legend:
        below = height - styles.MARGIN - legend_height + 24
        body.append(f'<g transform="translate({styles.MARGIN:g} {below:.1f})">{"".join(legend)}</g>')
    name = escape(title or "graph", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{name}">\n' + "\n".join(body) + "\n</svg>\n"
    )


def _definitions(edges: Iterable[Edge]) -> str:
    markers = "".join(
        f'<marker id="tip-{kind}" viewBox="0 0 8 8" refX="7.2" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto" markerUnits="userSpaceOnUse"><path d="M0.5 0.8 L7.5 4 L0.5 7.2 z" '
        f'fill="{styles.EDGE_STYLES[kind].stroke}"/></marker>'
        for kind in dict.fromkeys(edge.kind for edge in edges)
    )
    return (
        f"<style>text{{font-family:{styles.FONT_FAMILY};font-size:{styles.FONT_SIZE:g}px;fill:{styles.INK}}}"
        f".title{{font-size:{styles.TITLE_SIZE:g}px;font-weight:bold}}.head{{font-weight:bold}}"
        f".more{{fill:{styles.MUTED}}}.edge{{fill:none;stroke-width:1.3}}.edge:hover{{stroke-width:3}}</style>"
        f"<defs>{markers}</defs>"
    )


def _edge(edge: Edge, route: Sequence[tuple[float, float]], direction: Direction) -> str:
    style = styles.EDGE_STYLES[edge.kind]
    dashes = f' stroke-dasharray="{style.dashes}"' if style.dashes else ""
    tooltip = f"<title>{escape(edge.tooltip)}</title>" if edge.tooltip else ""
    return (
        f'<path class="edge" d="{_path(route, direction)}" stroke="{style.stroke}"{dashes} '
        f'marker-end="url(#tip-{edge.kind})">{tooltip}</path>'
    )


def _path(route: Sequence[tuple[float, float]], direction: Direction) -> str:
    """Join the straight runs of a route with curves that leave and arrive along the layers' direction."""
    x, y = route[0]
    parts = [f"M{x:.1f} {y:.1f}"]
    for number, (to_x, to_y) in enumerate(route[1:], start=1):
        if number % 2 == 1:
            if (x, y) != (to_x, to_y):
                parts.append(f"L{to_x:.1f} {to_y:.1f}")
        elif direction == "down":
            middle = (y + to_y) / 2
            parts.append(f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}")
        else:
            middle = (x + to_x) / 2
            parts.append(f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return " ".join(parts)


def _node(node: Node, box: Box) -> str:
    tooltip = f"<title>{escape(node.tooltip)}</title>" if node.tooltip else ""
    cards = [_shape(node, box, styles.STACK_OFFSET * step) for step in (2, 1)] if node.stacked else []
    first = box.y - (len(node.lines) - 1) * styles.LINE_HEIGHT / 2 + styles.FONT_SIZE * 0.35
    lines = [
        f'<text x="{box.x:.1f}" y="{first + number * styles.LINE_HEIGHT:.1f}" text-anchor="middle" '
        f'class="{"head" if number == 0 else "more"}">{escape(line)}</text>'
        for number, line in enumerate(node.lines)
    ]
    return f'<g class="node {node.kind}">{tooltip}{"".join(cards)}{_shape(node, box, 0.0)}{"".join(lines)}</g>'


def _shape(node: Node, box: Box, offset: float) -> str:
    style = styles.NODE_STYLES[node.kind]
    corner = {"box": 5.0, "pill": min(box.height / 2, 16.0), "cut": 0.0}[style.corner]
    return (
        f'<rect x="{box.x - box.width / 2 + offset:.1f}" y="{box.y - box.height / 2 + offset:.1f}" '
        f'width="{box.width:.1f}" height="{box.height:.1f}" rx="{corner:g}" fill="{style.fill}" '
        f'stroke="{style.stroke}" stroke-width="{1.6 if style.corner == "box" else 1.1:g}"/>'
    )


def _legend(nodes: Sequence[Node], edges: Sequence[Edge]) -> tuple[list[str], float, float]:
    """Return the legend's shapes, its width and its height; nothing for a picture of one kind of node."""
    kinds = [kind for kind in styles.NODE_STYLES if any(node.kind == kind for node in nodes)]
    links = [kind for kind in styles.EDGE_STYLES if any(edge.kind == kind for edge in edges)]
    if len(kinds) < 2 and len(links) < 2:
        return [], 0.0, 0.0
    parts: list[str] = []
    x = 0.0
    for kind in kinds:
        style = styles.NODE_STYLES[kind]
        corner = 3 if style.corner == "box" else 7
        parts.append(
            f'<rect x="{x:.1f}" y="-7" width="24" height="14" rx="{corner}" fill="{style.fill}" '
            f'stroke="{style.stroke}"/><text x="{x + 31:.1f}" y="4" class="more">{style.label}</text>'
        )
        x += 31 + text_width(style.label, styles.FONT_SIZE) + 20
    for link in links:
        edge = styles.EDGE_STYLES[link]
        dashes = f' stroke-dasharray="{edge.dashes}"' if edge.dashes else ""
        parts.append(
            f'<path class="edge" d="M{x:.1f} 0 h30" stroke="{edge.stroke}"{dashes} marker-end="url(#tip-{link})"/>'
            f'<text x="{x + 38:.1f}" y="4" class="more">{edge.label}</text>'
        )
        x += 38 + text_width(edge.label, styles.FONT_SIZE) + 20
    return parts, x - 20, 38.0
