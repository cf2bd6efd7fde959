# SPDX-License-Identifier: BSD-3-Clause
import io
import time
import xml.etree.ElementTree as ET

import pytest

from pachon.base import InvalidInputError
from pachon.quantum_butler.drawing import Edge, Node, draw_layered, draw_layered_png
from pachon.quantum_butler.drawing.text import text_width

SVG = "{http://www.w3.org/2000/svg}"


def parse(svg):
    return ET.fromstring(svg)


def test_labels_tooltips_and_title():
    nodes = [
        Node(key="a", lines=("raw <1>", 'say "hi"'), kind="input", tooltip="all & everything"),
        Node(key="b", lines=("isr",), stacked=True),
    ]
    root = parse(draw_layered(nodes, [Edge(source="a", target="b", tooltip="raw")], title="A & B"))
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert {"A & B", "raw <1>", 'say "hi"', "isr", "overall input", "task"} <= set(words)
    assert {element.text for element in root.iter(f"{SVG}title")} == {"all & everything", "raw"}
    assert len(list(root.iter(f"{SVG}marker"))) == 1


def test_kinds_of_edges_differ():
    nodes = [Node(key=key, lines=(key,)) for key in "abc"]
    svg = draw_layered(
        nodes, [Edge(source="a", target="c", kind="prerequisite"), Edge(source="b", target="c", kind="init")]
    )
    assert "tip-prerequisite" in svg
    assert "tip-init" in svg
    assert svg.count("stroke-dasharray") == 4


def test_second_arrows_are_left_out():
    nodes = [Node(key=key, lines=(key,)) for key in "ab"]
    once = draw_layered(nodes, [Edge(source="a", target="b")])
    assert draw_layered(nodes, [Edge(source="a", target="b")] * 2) == once


def test_no_nodes():
    assert parse(draw_layered([], [])).tag == f"{SVG}svg"


@pytest.mark.parametrize(
    ("nodes", "edges", "words"),
    [
        ("aa", "", "same key"),
        ("ab", "ac", "names 'c'"),
        ("ab", "ab ba", "cycle"),
    ],
)
def test_bad_input(nodes, edges, words):
    with pytest.raises(InvalidInputError, match=words):
        draw_layered(
            [Node(key=key, lines=(key,)) for key in nodes],
            [Edge(source=pair[0], target=pair[1]) for pair in edges.split()],
        )


def test_same_input_same_picture():
    nodes = [Node(key=str(n), lines=(f"node {n}",)) for n in range(40)]
    edges = [Edge(source=str(n // 3), target=str(n)) for n in range(1, 40)]
    assert draw_layered(nodes, edges) == draw_layered(nodes, edges)


def test_wide_graphs_take_no_age():
    nodes = [Node(key=str(n), lines=(f"node {n}",)) for n in range(300)]
    edges = [Edge(source=str(n * 7 % n), target=str(n)) for n in range(1, 300)]
    edges += [Edge(source=str(n // 2), target=str(n)) for n in range(2, 300)]
    begin = time.perf_counter()
    draw_layered(nodes, edges)
    assert time.perf_counter() - begin < 60  # a guard against an endless sweep, not a budget


def test_text():
    assert text_width("", 12) == 0
    assert text_width("wide", 12) < text_width("wide", 12, bold=True)


def test_png_is_the_picture_of_the_svg():
    from PIL import Image

    nodes = [
        Node(key="a", lines=("raw", "{exposure}"), kind="input"),
        Node(key="b", lines=("isr",), stacked=True),
        Node(key="c", lines=("bias",), kind="prerequisite"),
    ]
    edges = [Edge(source="a", target="b"), Edge(source="c", target="b", kind="prerequisite")]
    root = parse(draw_layered(nodes, edges, title="A & B"))
    image = Image.open(io.BytesIO(draw_layered_png(nodes, edges, title="A & B", scale=3.0)))
    assert image.width == pytest.approx(3 * float(root.attrib["width"]), abs=3)
    assert image.height == pytest.approx(3 * float(root.attrib["height"]), abs=3)
    # Where the SVG has a box, the image has the colour of its kind: beside the text, in the middle of its height.
    shift = root.find(f"{SVG}g[@transform]").attrib["transform"].removeprefix("translate(").removesuffix(")").split()
    for rectangle in root.iterfind(f"{SVG}g[@transform]/{SVG}g/{SVG}rect"):
        x = float(rectangle.attrib["x"]) + float(shift[0]) + 6
        y = float(rectangle.attrib["y"]) + float(shift[1]) + float(rectangle.attrib["height"]) / 2
        fill = tuple(bytes.fromhex(rectangle.attrib["fill"][1:]))
        assert image.getpixel((round(3 * x), round(3 * y))) == fill


def test_large_pngs_have_fewer_pixels_for_a_unit():
    from PIL import Image

    nodes = [Node(key=str(number), lines=(f"node {number}",)) for number in range(60)]
    edges = [Edge(source=str(number), target=str(number + 1)) for number in range(59)]
    image = Image.open(io.BytesIO(draw_layered_png(nodes, edges, direction="down", scale=50.0)))
    assert 30e6 < image.width * image.height < 41e6


def test_pngs_of_an_unknown_node_are_refused():
    with pytest.raises(InvalidInputError):
        draw_layered_png([Node(key="a", lines=("a",))], [Edge(source="a", target="b")])
