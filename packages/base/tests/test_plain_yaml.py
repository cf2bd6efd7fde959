# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.base import FormatError
from pachon.base.plain_yaml import load_plain_yaml
from pachon.base.utf8 import decode_text, read_local_text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: 1\nb: caf\xe9\n", "f.yaml, line 2, column 7: the file is no text in UTF-8 (byte 0xe9); save it as UTF-8."),
        ("a: 1\nb: {c: 2, d: 3, c: 4}\n", "f.yaml, line 2, column 17: the key 'c' is there twice, first in line 2."),
        ("a: [1\n", "f.yaml, line 2, column 1: this is not YAML: while parsing a flow sequence did not find expected ',' or ']'."),
        ("a: !odd 1\n", "f.yaml, line 1, column 4: this is not YAML: could not determine a constructor for the tag '!odd'."),
        ("a: \x01\n", "f.yaml: this is not YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(text: str | bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        load_plain_yaml(text, "f.yaml")
    assert str(caught.value).startswith(message)


def test_plain_data() -> None:
    assert load_plain_yaml("a: &x {b: 1}\nc: *x\nd: {<<: *x, b: 2}\n", "f") == {
        "a": {"b": 1},
        "c": {"b": 1},
        "d": {"b": 2},
    }
    assert load_plain_yaml("", "f") is None


def test_texts(tmp_path) -> None:
    (tmp_path / "t").write_bytes("é\r\nb\n".encode())
    assert read_local_text(tmp_path / "t") == "é\nb\n"
    with pytest.raises(FormatError, match="t, line 2, column 2"):
        decode_text("é\né".encode() + b"\xff", "t")
