# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.pipe_base import PipelineSyntaxError
from pachon.pipe_base.pipeline.located_yaml import LocatedMapping, load_located_yaml


def test_lines_and_columns_are_known() -> None:
    data = load_located_yaml("a: 1\nb:\n  c: |\n    x = 1\n    y = 2\n  d: [1,\n    2]\n", "f.yaml")
    assert isinstance(data, LocatedMapping)
    assert data.marks == {"a": (1, 1), "b": (2, 1)}
    assert data["b"].marks == {"c": (3, 3), "d": (6, 3)}
    assert data["b"].content_lines["c"] == 4
    assert data["b"]["d"].marks == [(6, 7), (7, 5)]


def test_anchors_and_merges_work() -> None:
    data = load_located_yaml("a: &x {n: 1, m: 2}\nb:\n  <<: *x\n  n: 3\n", "f.yaml")
    assert data["b"] == {"n": 3, "m": 2}


@pytest.mark.parametrize("key", ["k", "a_long_key"])
def test_merges_follow_the_rules_of_yaml(key: str) -> None:
    text = f"""
base: &base {{{key}: base, other: 0}}
list: &list {{{key}: list}}
deep:
  deeper:
    changed: &changed
      <<: *base
      {key}: changed
own: {{<<: *changed, {key}: own}}
again: {{<<: *changed}}
first: {{<<: [*list, *changed]}}
second: {{<<: [*changed, *list]}}
both: {{<<: *list, <<: *base}}
"""
    data = load_located_yaml(text, "f.yaml")
    found = {name: data[name][key] for name in ("own", "again", "first", "second", "both")}
    assert found == {"own": "own", "again": "changed", "first": "list", "second": "changed", "both": "list"}
    assert data["deep"]["deeper"]["changed"] == data["again"] == {key: "changed", "other": 0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [*x]\n", "f.yaml, line 1, column 4: an alias (*name) stands within what it stands for."),
        ("a: &x {b: [{c: *x}]}\n", "f.yaml, line 1, column 4: an alias (*name) stands within what it stands for."),
        (
            "a: {<<: 3}\n",
            "f.yaml, line 1, column 5: not valid YAML while constructing a mapping: '<<' merges mappings only.",
        ),
        ("a: 1\nb: 2\na: 3\n", "f.yaml, line 3, column 1: key 'a' appears twice in one mapping, first in line 1."),
        (
            "x:\n  - y: {a: 1,\n      a: 2}\n",
            "f.yaml, line 3, column 7: key 'a' appears twice in one mapping, first in line 2.",
        ),
        (
            "a: [1, 2\n",
            "f.yaml, line 1, column 4: this '[' is not closed before line 2, or a comma is missing.",
        ),
        (
            "a: b: c\n",
            "f.yaml, line 1, column 5: there is a second ':' in this line, or the indentation is wrong; a text with ': ' must be in quotes.",
        ),
        (
            "a: !!python/object:os.system x\n",
            (
                "f.yaml, line 1, column 4: the tag '!!python/object:os.system' is not allowed; only plain values are read."
            ),
        ),
        (
            "a: *nothing\n",
            "f.yaml, line 1, column 4: there is no anchor (&name) for this alias (*name); a text that begins with '*' must be in quotes.",
        ),
        (
            "a: [\n",
            "f.yaml, line 2, column 1: a value is missing before the end of the file, or a bracket is not closed.",
        ),
        ("a:\n\tb: 1\n", "f.yaml, line 2, column 1: a tab cannot indent YAML; use spaces."),
        (
            "a: 1\ntasks\n  b: 2\n",
            "f.yaml, line 2, column 1: a ':' is missing after this key, or a quote or bracket is not closed.",
        ),
        (
            "a:\n  b: 1\n c: 2\n",
            "f.yaml, line 3, column 2: this line is not indented like the others of its mapping, which begins in line 1.",
        ),
        ("a: 'x\nb: 1\n", "f.yaml, line 1, column 4: this quote is not closed."),
        ("a: @x\n", "f.yaml, line 1, column 4: a text that begins with '@' must be in quotes."),
        ("a: 1\nb: {coadd}_image\n", "f.yaml, line 2, column 11: a text that begins with '{' must be in quotes."),
        (
            "a: 1\n---\nb: 1\n",
            "f.yaml, line 2, column 1: a second document begins here ('---'); a pipeline is one document.",
        ),
        ("a: 1\nb: x\x00\n", "f.yaml, line 2, column 5: the character U+0000 is not allowed in YAML."),
    ],
)
def test_errors_name_the_place(text: str, message: str) -> None:
    with pytest.raises(PipelineSyntaxError) as caught:
        load_located_yaml(text, "f.yaml")
    assert str(caught.value) == message
