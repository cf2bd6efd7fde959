# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest

from pachon.butler import RepositoryConfigError
from pachon.butler.seed_configuration import merge, read_seed_configuration


def test_mappings_merge_and_all_else_replaces() -> None:
    below = {"a": {"b": 1, "c": [1, 2]}, "e": 1}
    assert merge(below, {"a": {"c": [3]}, "d": None, "e": {}}) == {"a": {"b": 1, "c": [3]}, "d": None, "e": {}}
    assert list(merge({"x": 1, "y": 2}, {"z": 3, "x": 4})) == ["x", "y", "z"]
    assert below == {"a": {"b": 1, "c": [1, 2]}, "e": 1}


def test_includes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "one.yaml").write_text("X: json\nY: yaml\n")
    (inner / "two.yaml").write_text("Y: ecsv\n")
    (inner / "datastore.yaml").write_text("checksum: false\nformatters: !include one.yaml\nroot: s3://there\n")
    (tmp_path / "here.yaml").write_text("name: from-here\n")
    seed = tmp_path / "seed.yaml"
    seed.write_text(
        "datastore:\n  includeConfigs: [$INNER/datastore.yaml, here.yaml]\n  composites: {default: true}\n"
        "  formatters: {includeConfigs: inner/two.yaml}\nregistry: {db: 'sqlite:///<butlerRoot>/x.sqlite3'}\n"
    )
    monkeypatch.setenv("INNER", str(inner))
    monkeypatch.chdir(tmp_path)
    found = read_seed_configuration(str(seed))
    assert found.datastore == {
        "checksum": False,
        "formatters": {"X": "json", "Y": "ecsv"},
        "name": "from-here",
        "composites": {"default": True},
    }
    assert found.database_url == "sqlite:///<butlerRoot>/x.sqlite3"
    assert read_seed_configuration(str(seed), override=True).datastore["root"] == "s3://there"


def test_include_of_lists_and_mappings(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("1\n")
    (tmp_path / "b.yaml").write_text("2\n")
    seed = tmp_path / "seed.yaml"
    seed.write_text("datastore: {x: !include [a.yaml, b.yaml], y: !include {k: a.yaml}}\n")
    assert read_seed_configuration(str(seed)).datastore == {"x": [1, 2], "y": {"k": 1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1\n", "must be a mapping"),
        ("a: [\n", "not YAML"),
        ("registry: {dbb: x}\n", "'registry.dbb'.*Did you mean 'db'"),
        ("datastore: !!python/object/apply:os.system [ls]\n", "not YAML"),
    ],
)
def test_bad_seeds(tmp_path: Path, text: str, message: str) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text(text)
    with pytest.raises(RepositoryConfigError, match=message):
        read_seed_configuration(str(seed))
