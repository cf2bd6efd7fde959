# SPDX-License-Identifier: BSD-3-Clause
import xml.etree.ElementTree as ET

from pachon.quantum_butler.testing import example_graph

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_small_graphs_are_drawn_in_full(any_graph):
    svg = any_graph.to_svg(max_nodes=500)
    words = texts(svg)
    assert words.count("isr") == 12
    assert "detector 0 · exposure 1001" in words
    assert "isr_log" not in words
    assert not any("Cam" in word for word in words if word)


def test_large_graphs_are_collapsed(any_graph):
    words = texts(any_graph.to_svg())
    assert words.count("isr") == 1
    assert "12 quanta" in words
    assert "3 datasets" in words
    assert words[0] == "Quantum graph: 42 quanta of 5 tasks"


def test_logs_on_request(any_graph):
    words = texts(any_graph.to_svg(logs=True, title="A title"))
    assert "isr_log" in words
    assert words[0] == "A title"


def test_one_of_each():
    words = texts(example_graph(visits=1, detectors=1, patches=1, overlaps=1).to_svg())
    assert words[0] == "Quantum graph: 5 quanta of 5 tasks"
