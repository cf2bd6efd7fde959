# SPDX-License-Identifier: BSD-3-Clause
"""Files that quanta left, as provenance keeps them."""

import json

import pytest

from pachon.ctrl_mpexec.aggregation import _read_plain
from pachon.resources import ResourcePath


@pytest.mark.parametrize(
    ("name", "text", "content"),
    [
        ("good.yaml", b"numpy: 2.3.0", {"numpy": "2.3.0"}),
        ("good.json", b'{"n": 1}', {"n": 1}),
        ("date.yaml", b"numpy: 2024-01-01", None),
        ("keys.yaml", b"? [1, 2]\n: x", None),
        ("broken.yaml", b"a: [", None),
        ("no text.json", b"\xff\xfe", None),
    ],
)
def test_what_is_no_plain_data_is_damaged(tmp_path, name, text, content):
    path = tmp_path / name
    path.write_bytes(text)
    place = ResourcePath(path)
    found, kept = _read_plain(place)
    assert found == ({"damaged": str(place)} if content is None else content)
    assert json.loads(kept) == found


def test_what_is_not_there_is_nothing(tmp_path):
    assert _read_plain(None) is None
    assert _read_plain(ResourcePath(tmp_path / "nope.json")) is None
