# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.pipe_base import PipelineSyntaxError
from pachon.pipe_base.pipeline.located_yaml import LocatedMapping, load_located_yaml


def test_lines_are_known() -> None:
    data = load_located_yaml("a: 1\nb:\n  c: |\n    x = 1\n    y = 2\n  d: [1,\n    2]\n", "f.yaml")
    assert isinstance(data, LocatedMapping)
    assert data.lines == {"a": 1, "b": 2}
    assert data["b"].lines == {"c": 3, "d": 6}
    assert data["b"].content_lines["c"] == 4
    assert data["b"]["d"].lines == [6, 7]


def test_anchors_and_merges_work() -> None:
    data = load_located_yaml("a: &x {n: 1, m: 2}\nb:\n  <<: *x\n  n: 3\n", "f.yaml")
    assert data["b"] == {"n": 3, "m": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml, line 3: key 'a' appears twice in one mapping, first in line 1."),
        ("x:\n  - y: {a: 1,\n      a: 2}\n", "f.yaml, line 3: key 'a' appears twice in one mapping, first in line 2."),
        (
            "a: [1, 2\n",
            "f.yaml, line 2, column 1: not valid YAML while parsing a flow sequence: did not find expected ',' or ']'.",
        ),
        ("a: b: c\n", "f.yaml, line 1, column 5: not valid YAML: mapping values are not allowed in this context."),
        (
            "a: !!python/object:os.system x\n",
            (
                "f.yaml, line 1, column 4: not valid YAML: could not determine a constructor for the tag "
                "'tag:yaml.org,2002:python/object:os.system'."
            ),
        ),
        ("a: *nothing\n", "f.yaml, line 1, column 4: not valid YAML: found undefined alias."),
    ],
)
def test_errors_name_the_place(text: str, message: str) -> None:
    with pytest.raises(PipelineSyntaxError) as caught:
        load_located_yaml(text, "f.yaml")
    assert str(caught.value) == message
