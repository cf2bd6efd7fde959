# SPDX-License-Identifier: BSD-3-Clause
"""Paint a layout as a PNG image, with Pillow; the picture is that of `pachon.quantum_butler.drawing.svg`."""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pachon.base import InvalidInputError
from pachon.quantum_butler.drawing import styles
from pachon.quantum_butler.drawing.elements import Edge, Node
from pachon.quantum_butler.drawing.layout import Box, Direction, Layout
from pachon.quantum_butler.drawing.text import text_width

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_MOST_PIXELS = 40e6
_TIP = 7.0
_LEGEND_HEIGHT = 38.0
_LEGEND_GAP = 20.0
_FACES = {False: ("DejaVuSans.ttf", "Arial.ttf"), True: ("DejaVuSans-Bold.ttf", "Arial Bold.ttf", "Arialbd.ttf")}

Point = tuple[float, float]


def paint_png(
    layout: Layout, nodes: Sequence[Node], edges: Sequence[Edge], *, title: str | None = None, scale: float = 2.0
) -> bytes:
    """Return the PNG image of a picture: title, edges, nodes and a legend of the kinds in it.

    Raises
    ------
    InvalidInputError
        If Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw
    except ImportError:
        raise InvalidInputError(
            "A PNG image needs Pillow; install it (pip install 'pachon-quantum-butler[png]'), or draw an SVG."
        ) from None
    top = styles.MARGIN + (styles.TITLE_SIZE * 1.9 if title else 0.0)
    legend = _legend_entries(nodes, edges)
    legend_width = sum(_entry_width(label, is_node=is_node) for _, label, is_node in legend) - _LEGEND_GAP
    inner = max(layout.width, legend_width, text_width(title or "", styles.TITLE_SIZE, bold=True))
    width = inner + 2 * styles.MARGIN
    height = top + layout.height + 2 * styles.STACK_OFFSET + (_LEGEND_HEIGHT if legend else 0.0) + styles.MARGIN
    scale = min(scale, math.sqrt(_MOST_PIXELS / (width * height)))
    image = Image.new("RGB", (math.ceil(width * scale), math.ceil(height * scale)), styles.BACKGROUND)
    painter = _Painter(ImageDraw.Draw(image), scale)
    if title:
        painter.text(
            (styles.MARGIN, styles.MARGIN + styles.TITLE_SIZE * 0.4), title, styles.TITLE_SIZE, bold=True, anchor="lm"
        )
    painter.origin = (styles.MARGIN + (inner - layout.width) / 2, top)
    for edge, route in zip(edges, layout.routes, strict=True):
        painter.edge(edge, list(_curve(route, layout.direction)))
    for node, box in zip(nodes, layout.boxes, strict=True):
        painter.node(node, box)
    painter.origin = (styles.MARGIN, height - styles.MARGIN - _LEGEND_HEIGHT + 24)
    x = 0.0
    for kind, label, is_node in legend:
        painter.legend(x, kind, label, is_node=is_node)
        x += _entry_width(label, is_node=is_node)
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=5)
    return stream.getvalue()


def _legend_entries(nodes: Sequence[Node], edges: Sequence[Edge]) -> list[tuple[str, str, bool]]:
    kinds = [
        (kind, style.label, True) for kind, style in styles.NODE_STYLES.items() if any(n.kind == kind for n in nodes)
    ]
    links = [
        (kind, style.label, False) for kind, style in styles.EDGE_STYLES.items() if any(e.kind == kind for e in edges)
    ]
    return [*kinds, *links] if len(kinds) > 1 or len(links) > 1 else []


def _entry_width(label: str, *, is_node: bool) -> float:
    return (31 if is_node else 38) + text_width(label, styles.FONT_SIZE) + _LEGEND_GAP


def _curve(route: Sequence[Point], direction: Direction) -> Iterator[Point]:
    """Give the points of an edge's curve, as dense as an eye can tell."""
    yield route[0]
    for number in range(1, len(route)):
        (x, y), (to_x, to_y) = route[number - 1], route[number]
        if number % 2 == 1:
            yield to_x, to_y
            continue
        middle = (y + to_y) / 2 if direction == "down" else (x + to_x) / 2
        first, second = ((x, middle), (to_x, middle)) if direction == "down" else ((middle, y), (middle, to_y))
        for step in range(1, 17):
            t = step / 16
            a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            yield a * x + b * first[0] + c * second[0] + d * to_x, a * y + b * first[1] + c * second[1] + d * to_y


@lru_cache(maxsize=16)
def _font(size: float, *, bold: bool) -> Any:
    """Give a face of the system, else the one that Pillow brings."""
    from PIL import ImageFont

    for name in _FACES[bold]:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


class _Painter:
    """Draws in the units of the layout on an image of another scale."""

    def __init__(self, draw: ImageDraw, scale: float) -> None:
        self._draw, self._scale = draw, scale
        self.origin: Point = (0.0, 0.0)

    def _at(self, point: Point) -> Point:
        return (self.origin[0] + point[0]) * self._scale, (self.origin[1] + point[1]) * self._scale

    def text(
        self, at: Point, text: str, size: float, *, bold: bool = False, anchor: str = "mm", color: str = styles.INK
    ) -> None:
        """Write a line, no wider than it was expected to be."""
        wanted = text_width(text, size, bold=bold)
        font = _font(size * self._scale, bold=bold)
        real = font.getlength(text) / self._scale
        if real > wanted > 0:
            font = _font(size * self._scale * wanted / real, bold=bold)
        self._draw.text(self._at(at), text, font=font, anchor=anchor, fill=color)

    def node(self, node: Node, box: Box) -> None:
        """Draw a box with its lines."""
        for step in (2, 1, 0) if node.stacked else (0,):
            self._shape(node.kind, box, styles.STACK_OFFSET * step)
        first = box.y - (len(node.lines) - 1) * styles.LINE_HEIGHT / 2
        for number, line in enumerate(node.lines):
            at = (box.x, first + number * styles.LINE_HEIGHT)
            self.text(at, line, styles.FONT_SIZE, bold=number == 0, color=styles.INK if number == 0 else styles.MUTED)

    def _shape(self, kind: str, box: Box, offset: float) -> None:
        style = styles.NODE_STYLES[kind]  # type: ignore[index]  # a kind of a node
        corner = {"box": 5.0, "pill": min(box.height / 2, 16.0), "cut": 0.0}[style.corner]
        left, top = self._at((box.x - box.width / 2 + offset, box.y - box.height / 2 + offset))
        right, bottom = self._at((box.x + box.width / 2 + offset, box.y + box.height / 2 + offset))
        thickness = max(1, round((1.6 if style.corner == "box" else 1.1) * self._scale))
        self._draw.rounded_rectangle(
            (left, top, right, bottom), corner * self._scale, fill=style.fill, outline=style.stroke, width=thickness
        )

    def edge(self, edge: Edge, points: list[Point]) -> None:
        """Draw an arrow along some points."""
        style = styles.EDGE_STYLES[edge.kind]
        thickness = max(1, round(1.3 * self._scale))
        dashes = [float(length) for length in style.dashes.split()]
        for run in _dashed(points, dashes) if dashes else [points]:
            self._draw.line([self._at(point) for point in run], fill=style.stroke, width=thickness, joint="curve")
        self._tip(points[-2], points[-1], style.stroke)

    def _tip(self, before: Point, end: Point, color: str) -> None:
        length = math.dist(before, end) or 1.0
        along = ((end[0] - before[0]) / length, (end[1] - before[1]) / length)
        base = (end[0] - along[0] * _TIP, end[1] - along[1] * _TIP)
        aside = (-along[1] * _TIP * 0.4, along[0] * _TIP * 0.4)
        corners = [end, (base[0] + aside[0], base[1] + aside[1]), (base[0] - aside[0], base[1] - aside[1])]
        self._draw.polygon([self._at(corner) for corner in corners], fill=color)

    def legend(self, x: float, kind: str, label: str, *, is_node: bool) -> None:
        """Draw one entry of the legend."""
        if is_node:
            self._shape(kind, Box(x + 12, 0.0, 24.0, 14.0), 0.0)
        else:
            self.edge(Edge(source="", target="", kind=kind), [(x, 0.0), (x + 15, 0.0), (x + 30, 0.0)])  # type: ignore[arg-type]  # a kind of an edge
        self.text((x + (31 if is_node else 38), 0.0), label, styles.FONT_SIZE, anchor="lm", color=styles.MUTED)


def _dashed(points: Sequence[Point], dashes: Sequence[float]) -> Iterator[list[Point]]:
    """Cut a line into the parts that a dash pattern draws."""
    index, left = 0, dashes[0]
    run = [points[0]]
    for start, end in itertools.pairwise(points):
        length, done = math.dist(start, end), 0.0
        while length - done > left:
            done += left
            point = (start[0] + (end[0] - start[0]) * done / length, start[1] + (end[1] - start[1]) * done / length)
            if index % 2 == 0:
                yield [*run, point]
            run, index = [point], index + 1
            left = dashes[index % len(dashes)]
        left -= length - done
        run.append(end)
    if index % 2 == 0 and len(run) > 1:
        yield run
