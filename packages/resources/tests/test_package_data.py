# SPDX-License-Identifier: BSD-3-Clause
"""Data of packages, which are found and never imported."""

import sys
import zipfile
from pathlib import Path

import pytest

from pachon.resources import ResourceNotFoundError, ResourcePath


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules; whoever imports one finds out."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def make_package(folder: Path, name: str) -> Path:
    place = folder / name
    (place / "inner").mkdir(parents=True)
    for path in (place, place / "inner"):
        (path / "__init__.py").write_text("raise SystemExit('imported')\n")
        (path / "data.txt").write_text(path.name)
    return place


def test_packages_are_not_imported(folder: Path) -> None:
    make_package(folder, "explosive_package")
    outer = ResourcePath("resource://explosive_package/data.txt")
    inner = ResourcePath("resource://explosive_package.inner/data.txt")
    assert (outer.exists(), outer.size(), outer.read()) == (True, 17, b"explosive_package")
    assert (inner.exists(), inner.read()) == (True, b"inner")
    assert [names for _, _, names in ResourcePath("resource://explosive_package.inner/").walk()] == [
        ["__init__.py", "data.txt"]
    ]
    assert not any(name.startswith("explosive_package") for name in sys.modules)


def test_namespaces_and_zip_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "quiet_namespace" / "inner").mkdir(parents=True)
    (folder / "quiet_namespace" / "inner" / "data.txt").write_text("here")
    assert ResourcePath("resource://quiet_namespace.inner/data.txt").read() == b"here"
    assert ResourcePath("resource://quiet_namespace/inner/data.txt").read() == b"here"
    with zipfile.ZipFile(folder / "packed.zip", "w") as archive:
        archive.writestr("zipped_package/__init__.py", "raise SystemExit('imported')")
        archive.writestr("zipped_package/data.txt", "packed")
    monkeypatch.syspath_prepend(str(folder / "packed.zip"))
    assert ResourcePath("resource://zipped_package/data.txt").read() == b"packed"
    assert ResourcePath("resource://pachon.resources/py.typed").exists()


@pytest.mark.parametrize(
    "uri",
    [
        "resource://no_such_package/data.txt",
        "resource://explosive_package.no_such/data.txt",
        "resource://explosive_package.inner.data/data.txt",
        "resource://explosive_package./data.txt",
        "resource://..explosive_package/data.txt",
        "resource://sys/data.txt",
        "resource://json.decoder/data.txt",
        "resource://explosive_package/inner/%2e%2e/../%2e%2e/secret.txt",
        "resource://explosive_package/%2e%2e/secret.txt",
    ],
)
def test_what_is_no_package_has_no_data(folder: Path, uri: str) -> None:
    make_package(folder, "explosive_package")
    (folder / "secret.txt").write_text("secret")
    with pytest.raises(ResourceNotFoundError):
        ResourcePath(uri).read()
    assert not ResourcePath(uri).exists()
    assert not any(name.startswith("explosive_package") for name in sys.modules)
