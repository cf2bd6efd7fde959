# SPDX-License-Identifier: BSD-3-Clause
import os
from pathlib import Path

import pytest
from hypothesis import given

from pachon.base import InvalidInputError
from pachon.resources import ResourcePath
from pachon.resources.testing import file_names


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("/a/b.txt", "file:///a/b.txt"),
        ("/a b/ü.txt", "file:///a%20b/%C3%BC.txt"),
        ("/a//b/../c", "file:///a/c"),
        ("/a/b/", "file:///a/b/"),
        ("/a?b", "file:///a%3Fb"),
        ("/a/b.zip#zip-path=x/y.fits", "file:///a/b.zip%23zip-path%3Dx/y.fits"),
        ("/a/b.zip#zip-path=x", "file:///a/b.zip#zip-path=x"),
        ("/a#b/c", "file:///a%23b/c"),
        ("file:///a%20b", "file:///a%20b"),
        ("file:/a/b", "file:///a/b"),
        ("file://localhost/a/b", "file:///a/b"),
        ("s3://bucket/key%2Fx", "s3://bucket/key%2Fx"),
        ("s3://me@bucket/a", "s3://me@bucket/a"),
        ("https://host:80/a?b=c&d#e", "https://host:80/a?b=c&d#e"),
        ("memory://a/../b", "memory://a/../b"),
    ],
)
def test_text(text: str, url: str) -> None:
    path = ResourcePath(text)
    assert str(path) == path.geturl() == url
    assert ResourcePath(url) == path
    assert ResourcePath(path) == path


def test_encoded_looking_path_is_left_alone_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert str(ResourcePath("/a%20b")) == "file:///a%20b"
    assert "percent-encoded already" in caplog.text


def test_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WHERE", "/data")
    assert ResourcePath("a/b").ospath == os.path.join(os.getcwd(), "a/b")
    assert ResourcePath("file:a/b").ospath == os.path.join(os.getcwd(), "a/b")
    assert str(ResourcePath("a b", root="s3://bucket/x/")) == "s3://bucket/x/a%20b"
    assert str(ResourcePath("/a", root="s3://bucket/x/")) == "file:///a"
    assert str(ResourcePath("$WHERE/x")) == "file:///data/x"
    assert ResourcePath("~/x").ospath == os.path.expanduser("~/x")
    relative = ResourcePath("a/../b c", force_absolute=False)
    assert (str(relative), relative.scheme, relative.is_absolute, relative.ospath) == ("b c", "", False, "b c")
    assert relative.relative_to("s3://bucket/x/") == "b c"
    assert ResourcePath(Path("/a/b")).ospath == "/a/b"


@pytest.mark.parametrize("text", ["s3://a@b@c/key", "https://[bad/x"])
def test_bad_text(text: str) -> None:
    with pytest.raises(InvalidInputError):
        ResourcePath(text)


def test_directory_flag() -> None:
    folder = ResourcePath("s3://b/x", force_directory=True)
    assert str(folder) == "s3://b/x/"
    assert folder.isdir()
    file = ResourcePath("/a", force_directory=False)
    for wrong in (
        lambda: ResourcePath("/a/", force_directory=False),
        lambda: ResourcePath(folder, force_directory=False),
        lambda: ResourcePath(file, force_directory=True),
        lambda: file.join("b"),
        lambda: folder.join("y/", force_directory=False),
    ):
        with pytest.raises(InvalidInputError):
            wrong()


@pytest.mark.parametrize(
    ("base", "other", "joined"),
    [
        ("s3://b/x/", "y z.txt", "s3://b/x/y%20z.txt"),
        ("s3://b/x", "y", "s3://b/x/y"),
        ("s3://b/x/", "../y", "s3://b/y"),
        ("s3://b/x/", "../../../y", "s3://b/y"),
        ("s3://b", "y", "s3://b/y"),
        ("s3://b/x?q#f", "y#g", "s3://b/x/y#g"),
        ("s3://b/x/", "memory://c/d", "memory://c/d"),
        ("s3://b/x/", "/y", "file:///y"),
        ("/a/", "b//c/./d/", "file:///a/b/c/d/"),
        ("/a/", "f.zip#zip-path=m", "file:///a/f.zip#zip-path=m"),
    ],
)
def test_join(base: str, other: str, joined: str) -> None:
    assert str(ResourcePath(base).join(other)) == joined


def test_parts() -> None:
    path = ResourcePath("s3://b/x/").join("größe.fits.gz")
    assert path.basename() == "größe.fits.gz"
    assert path.extension == ".fits.gz"
    assert (path.scheme, path.netloc, path.path) == ("s3", "b", "/x/gr%C3%B6%C3%9Fe.fits.gz")
    assert str(path.parent()) == "s3://b/x/"
    assert str(path.parent().parent()) == "s3://b/"
    assert path.dirname() == path.parent()
    assert path.parent().dirname() == path.parent()
    assert path.updated_extension("txt").basename() == "größe.txt"
    assert path.updated_extension("").basename() == "größe"
    assert path.updated_extension(None) is path
    assert str(path.updated_file("a b")) == "s3://b/x/a%20b"
    assert str(path.parent().updated_file("c")) == "s3://b/x/c"
    assert ResourcePath("/a/.hidden").extension == ""
    assert ResourcePath("/a.b/c").extension == ""
    with pytest.raises(AttributeError, match="not on this machine"):
        _ = path.ospath
    with pytest.raises(AttributeError):
        path.scheme = "x"


def test_relative_to() -> None:
    file = ResourcePath("s3://b/x/y%20z")
    assert file.relative_to("s3://b/") == "x/y z"
    assert file.relative_to("s3://b/x") == "y z"
    assert file.relative_to("s3://b/x/y%20z") == "."
    assert file.relative_to("s3://b/x/y") is None
    assert file.relative_to("s3://p@b/") is None
    assert file.relative_to("memory://b/") is None
    assert ResourcePath("file://127.0.0.1/a/b").relative_to("file://localhost/a") == "b"
    assert ResourcePath("/a/../b").relative_to("/") == "b"


def test_zip_member() -> None:
    assert ResourcePath("/a.zip#zip-path=x%20y").zip_member == "x y"
    assert ResourcePath("/a.zip").zip_member is None
    assert str(ResourcePath("/a.zip#zip-path=x").without_fragment()) == "file:///a.zip"


def test_equal_by_text_and_sorted() -> None:
    assert len({ResourcePath("/a"), ResourcePath("file:///a"), ResourcePath("/a/")}) == 2
    assert min(ResourcePath("/b"), ResourcePath("/a")).ospath == "/a"
    assert ResourcePath("/a") != "file:///a"
    assert repr(ResourcePath("/a")) == "ResourcePath('file:///a')"


@given(file_names(), file_names())
def test_any_name_comes_back(first: str, second: str) -> None:
    for base in ("s3://bucket/x/", "/x/"):
        folder = ResourcePath(base)
        path = folder.join(first + "/").join(second)
        assert path.basename() == second
        assert path.relative_to(folder) == f"{first}/{second}"
        assert ResourcePath(str(path)) == path
        assert path.parent() == folder.join(first + "/")
