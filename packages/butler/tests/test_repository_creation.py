# SPDX-License-Identifier: BSD-3-Clause
import copy
import multiprocessing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from pachon.base import InvalidInputError, PachonError
from pachon.butler import (
    Butler,
    FindingKind,
    RepositoryConfigError,
    RepositoryExistsError,
    has_repository,
    repository_creation,
)
from pachon.butler.migration import migrate_repository
from pachon.butler.repository_creation import create_from_seed, create_repository
from pachon.butler.testing import add_example_records
from pachon.butler.testing.concurrent_writers import create_once
from pachon.datasets import CollectionType, DatasetRef, DatasetTable, DatasetType
from pachon.datastore import DatastoreConfigError, FileRecords, StoredFile, TemplateError
from pachon.dimensions import DimensionUniverse
from pachon.quantum_butler.definition_marks import (
    MARKS_FOLDER,
    TypeDefinition,
    UniverseDefinition,
    read_type_mark,
    read_universe_mark,
)
from pachon.registry import CollectionExpressionError
from pachon.resources import ResourcePath


def test_a_new_repository_is_whole_and_small(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "repo"
    assert not has_repository(str(root))
    with Butler.create(str(root)) as butler:
        assert butler.writeable
        assert butler.universe == DimensionUniverse.default()
    assert has_repository(str(root))
    document = yaml.safe_load((root / "butler.yaml").read_text())
    assert document == {
        "pachon": 1,
        "database": {"url": "sqlite:///<butlerRoot>/registry.sqlite3"},
        "datastore": {"type": "file", "name": "file", "root": "<butlerRoot>"},
    }
    assert {path.name for path in root.iterdir()} <= {
        "butler.yaml", "registry.sqlite3", "registry.sqlite3-wal", "registry.sqlite3-shm",
    }  # fmt: skip


def test_a_repository_is_not_made_over_another(repository: Path) -> None:
    before = (repository / "registry.sqlite3").read_bytes()
    with pytest.raises(RepositoryExistsError, match="holds a repository already"):
        Butler.create(str(repository))
    with pytest.raises(FileExistsError):
        create_repository(str(repository))
    assert (repository / "registry.sqlite3").read_bytes() == before


@pytest.mark.parametrize("name", ["", " "])
def test_a_folder_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError, match="no name"):
        Butler.create(name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["rel.sqlite3", "a b/100%.sqlite3"])
def test_a_relative_database_is_found_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path)
    Butler.create("repo", database=f"sqlite:///{quote(name)}").close()
    assert (tmp_path / name).exists()
    monkeypatch.chdir("/")
    with Butler.open(str(tmp_path / "repo")) as butler:
        assert butler.collections.query() == []


def test_overwrite_gives_an_empty_repository(repository: Path) -> None:
    with Butler.create(str(repository), overwrite=True) as butler:
        assert butler.dataset_types.query() == []
        assert len(butler.fetch_records("instrument")) == 0


def test_a_database_without_configuration_is_not_touched(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    Butler.create(str(root)).close()
    (root / "butler.yaml").unlink()
    with pytest.raises(RepositoryExistsError, match="without a configuration"):
        Butler.create(str(root))
    assert (root / "registry.sqlite3").exists()
    Butler.create(str(root), overwrite=True).close()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"datastore": {"typo": 1}}, DatastoreConfigError),
        ({"datastore": {"type": "nothing"}}, DatastoreConfigError),
        ({"datastore": {"templates": {"default": "{datasetType}"}}}, TemplateError),
        ({"datastore": {"root": "<butlerRoot>/../elsewhere"}}, InvalidInputError),
        ({"datastore": {"root": "<butlerRoot>/data", "create": False}}, DatastoreConfigError),
        ({"storage_classes": {"X": {"pytyp": "dict"}}}, ValueError),
        ({"database": "oracle://x"}, InvalidInputError),
        ({"database": "sqlite://"}, InvalidInputError),
        ({"universe": {"version": 1}}, ValueError),
    ],
)
def test_bad_settings_leave_nothing(tmp_path: Path, arguments: dict[str, object], error: type[Exception]) -> None:
    root = tmp_path / "repo"
    with pytest.raises(error):
        Butler.create(str(root), **arguments)  # type: ignore[arg-type]  # wrong on purpose
    assert not root.exists()


def test_a_failure_before_the_configuration_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, **_: object) -> str:
        raise OSError("no space")

    monkeypatch.setattr(repository_creation.RepositoryConfig, "to_text", fail)
    with pytest.raises(OSError, match="no space"):
        Butler.create(str(tmp_path / "repo"))
    assert not (tmp_path / "repo").exists()


def test_one_of_several_creators_wins(tmp_path: Path) -> None:
    root = str(tmp_path / "repo")
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        outcomes = pool.map(create_once, [root] * 4)
    assert sorted(outcomes) == ["exists"] * 3 + ["made"]
    with Butler.open(root) as butler:
        assert butler.dataset_types.query() == []


def test_another_universe_and_storage_classes(tmp_path: Path) -> None:
    universe = DimensionUniverse.default()
    path = tmp_path / "universe.yaml"
    path.write_text(yaml.safe_dump({**universe.document, "version": 9}))
    with Butler.create(
        str(tmp_path / "repo"), universe=str(path), storage_classes={"Things": {"pytype": "list"}}
    ) as butler:
        assert butler.universe.version == 9
        assert butler.storage_classes.get("Things").pytype is list
    with Butler.open(str(tmp_path / "repo")) as butler:
        assert butler.universe.version == 9
        assert "Things" in butler.storage_classes


def test_a_configuration_elsewhere_names_the_root(tmp_path: Path) -> None:
    create_repository(str(tmp_path / "repo"), outfile=str(tmp_path / "site.yaml"))
    assert not has_repository(str(tmp_path / "repo"))
    with Butler.open(str(tmp_path / "site.yaml")) as butler:
        assert len(butler.collections.query()) == 0
    assert (tmp_path / "repo" / "registry.sqlite3").exists()


def test_a_seed_configuration_of_lsst(tmp_path: Path) -> None:
    (tmp_path / "formatters.yaml").write_text("StructuredDataDict: lsst.daf.butler.formatters.json.JsonFormatter\n")
    (tmp_path / "extra.yaml").write_text("checksum: false\ntemplates: {default: '{run:/}/{datasetType}_{id}'}\n")
    seed = tmp_path / "seed.yaml"
    seed.write_text(
        """
        datastore:
          cls: lsst.daf.butler.datastores.fileDatastore.FileDatastore
          root: s3://elsewhere
          records: {table: file_datastore_records}
          includeConfigs: extra.yaml
          checksum: true
          formatters: !include formatters.yaml
        storageClasses:
          Things: {pytype: list}
        """
    )
    create_from_seed(str(tmp_path / "repo"), seed=str(seed))
    document = yaml.safe_load((tmp_path / "repo" / "butler.yaml").read_text())
    assert document["datastore"]["root"] == "<butlerRoot>"
    assert document["datastore"]["type"] == "file"
    assert document["datastore"]["templates"] == {"default": "{run:/}/{datasetType}_{id}"}
    assert "lsst" not in (tmp_path / "repo" / "butler.yaml").read_text().replace("lsst.daf.butler.formatters", "")
    assert document["storage_classes"] == {"Things": {"pytype": "list"}}


def test_an_unknown_key_of_a_seed_is_named(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("datastor: {}\n")
    with pytest.raises(RepositoryConfigError, match=r"'datastor'.*Did you mean 'datastore'"):
        create_from_seed(str(tmp_path / "repo"), seed=str(seed))
    assert not (tmp_path / "repo").exists()


def test_a_repository_that_cannot_be_replaced_goes_on(repository: Path) -> None:
    with pytest.raises(PachonError):
        Butler.create(
            str(repository), overwrite=True, database="postgresql+psycopg://127.0.0.1:1/none?connect_timeout=1"
        )
    with Butler.open(str(repository)) as butler:
        assert butler.dataset_types.get("gain").name == "gain"


def test_an_outfile_that_exists(tmp_path: Path) -> None:
    outfile = tmp_path / "out.yaml"
    outfile.write_text("mine\n")
    with pytest.raises(RepositoryExistsError, match=r"out\.yaml' holds a configuration already"):
        create_repository(str(tmp_path / "new"), outfile=str(outfile))
    assert outfile.read_text() == "mine\n"
    assert not (tmp_path / "new").exists()


def test_jobs_are_not_told_what_the_replaced_repository_had(tmp_path: Path) -> None:
    root = ResourcePath(str(tmp_path), force_directory=True)
    with Butler.create(str(tmp_path)) as butler:
        document: dict[str, Any] = copy.deepcopy({**butler.universe.document})
        gain = DatasetType("gain", ("instrument", "detector"), "StructuredDataDict", universe=butler.universe)
        butler.dataset_types.register(gain)
        butler.dataset_types.remove("gain")
        butler.dataset_types.register(gain)
    document["version"] += 1
    migrate_repository(str(tmp_path), universe=document)
    assert read_type_mark(root, "gain") == TypeDefinition.of(gain)
    # Nothing is changed where nothing is made.
    with pytest.raises(RepositoryExistsError):
        Butler.create(str(tmp_path))
    changed = read_universe_mark(root)
    assert changed is not None
    with Butler.create(str(tmp_path), overwrite=True) as butler:
        now = UniverseDefinition.of(butler.universe)
        assert (read_universe_mark(root), read_type_mark(root, "gain")) == (now, None)
        assert changed.digest != now.digest
        assert not [f for f in butler.fsck().findings if f.kind is FindingKind.STALE_MARK]
    # As when somebody has removed the database by hand.
    for file in ("butler.yaml", *(path.name for path in tmp_path.glob("*.sqlite3*"))):
        (tmp_path / file).unlink()
    with Butler.create(str(tmp_path), universe=document) as butler:
        assert read_universe_mark(root) == changed


def test_a_new_repository_has_no_marks(tmp_path: Path) -> None:
    Butler.create(str(tmp_path / "repo")).close()
    assert not (tmp_path / "repo" / MARKS_FOLDER).exists()


@pytest.mark.parametrize("suffix", ["", "-journal", "-wal/x", "-removal", ".replaced-1"])
def test_no_run_in_the_place_of_the_database(tmp_path: Path, suffix: str) -> None:
    """SQLite takes what is named so for its own, and the repository could not be opened any more."""
    with make_repository_with_database(tmp_path / "repo", "rows.db") as butler:
        for write in (
            lambda: butler.collections.register(f"rows.db{suffix}"),
            lambda: butler.put({"n": 1}, "gain", instrument="Cam", detector=0, run=f"rows.db{suffix}"),
        ):
            with pytest.raises(CollectionExpressionError, match="no name for a collection here"):
                write()
        assert not butler.collections.query("*")
        butler.put({"n": 1}, "gain", instrument="Cam", detector=0, run="rows.dbx")
        assert butler.get("gain", instrument="Cam", detector=0, collections="rows.dbx") == {"n": 1}


def test_no_receipts_in_the_place_of_the_database(tmp_path: Path) -> None:
    """They lie in the folder of the run's very name, be there blanks in it or not."""
    with make_repository_with_database(tmp_path / "repo", "my rows.db") as butler:
        for name in ("my rows.db-journal", "my rows.db"):
            with pytest.raises(CollectionExpressionError, match="no name for a collection here"):
                butler.collections.register(name)


def test_no_run_of_jobs_in_the_place_of_the_database(tmp_path: Path) -> None:
    with make_repository_with_database(tmp_path / "repo", "rows.db") as butler:
        ref = butler.put({"n": 1}, "gain", instrument="Cam", detector=0, run="elsewhere")
        output = DatasetRef(ref.dataset_type, ref.data_id, "rows.db-journal")
        path = tmp_path / "repo" / "output.yaml"
        path.write_text("n: 1\n")
        file = StoredFile(dataset_id=output.id, path=path.name, formatter="yaml", storage_class="StructuredDataDict")
        with pytest.raises(CollectionExpressionError, match="no name for a collection here"):
            butler.register_graph_outputs(
                [DatasetTable.from_refs(output.dataset_type, [output])], FileRecords.from_rows([file])
            )
        assert butler.collections.query("*") == ["elsewhere"]


def test_a_collection_from_before_such_names_were_refused(tmp_path: Path) -> None:
    with make_repository_with_database(tmp_path / "repo", "rows.db") as butler:
        butler._session.registry.collections.register("rows.db-journal", CollectionType.RUN)
        assert not butler.collections.register("rows.db-journal")


def make_repository_with_database(root: Path, name: str) -> Butler:
    """Make a repository whose database has a name of its own beside ``butler.yaml``."""
    butler = Butler.create(str(root), database=f"sqlite:///<butlerRoot>/{name}")
    add_example_records(butler)
    butler.dataset_types.register(
        DatasetType("gain", ("instrument", "detector"), "StructuredDataDict", universe=butler.universe)
    )
    return butler
