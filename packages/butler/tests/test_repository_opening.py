# SPDX-License-Identifier: BSD-3-Clause
import os
import pickle
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pachon.base import InvalidInputError, NotFoundError, ReadOnlyError, StorageError
from pachon.butler import (
    Butler,
    ClosedButlerError,
    ForeignRepositoryError,
    RepositoryConfigError,
    RepositoryNotFoundError,
    get_known_repositories,
    restore_repository,
)
from pachon.butler.repository_location import locate_repository
from pachon.butler.testing import make_example_repository
from pachon.datastore import DatasetFileNotFoundError, DatastoreConfigError, TemplateError
from pachon.dimensions import DataIdValueError
from pachon.registry import CollectionExpressionError


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(RepositoryNotFoundError, match="no repository at"):
        Butler.open(str(tmp_path / "none"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileNotFoundError):
        Butler.open(str(tmp_path / "file"))


def test_a_path_object_names_a_repository(tmp_path: Path) -> None:
    with Butler.create(tmp_path / "repo") as made, Butler.open(tmp_path / "repo") as opened:
        assert made.universe == opened.universe
    with pytest.raises(RepositoryNotFoundError, match="no repository at"):
        Butler.open(tmp_path / "none")


def test_a_server_needs_its_client() -> None:
    with pytest.raises(
        NotFoundError, match=r"https://data\.example\.org/api is the address of a server, and no client"
    ):
        Butler.open("https://data.example.org/api")


def test_folder_file_and_uri_name_the_same(repository: Path) -> None:
    for root in (str(repository), f"{repository}/", f"{repository}/butler.yaml", f"file://{repository}"):
        with Butler.open(root) as butler:
            assert len(butler.fetch_records("instrument")) == 1


@pytest.mark.parametrize("name", ["with space", "hash#tag", "per%41cent", "ünï", "semi;colon & more", "quest?ion"])
def test_odd_names_of_folders(tmp_path: Path, name: str) -> None:
    root = str(tmp_path / name / "repo")
    with make_example_repository(root) as butler:
        butler.put({"a": 1}, "note", run="run")
    with Butler.open(root, collections="run") as butler:
        assert butler.get("note") == {"a": 1}
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("registry: {db: 'sqlite:///<butlerRoot>/gen3.sqlite3'}\n", ForeignRepositoryError, "LSST's packages"),
        (
            "datastore: {cls: lsst.daf.butler.datastores.fileDatastore.FileDatastore}",
            ForeignRepositoryError,
            "ingest-files",
        ),
        ("pachon: 2\n", ForeignRepositoryError, "install a newer one"),
        ("pachon: 1\ndatabas: {}\n", RepositoryConfigError, "Did you mean 'database'"),
        ("pachon: 1\ndatabase: {urll: x}\n", RepositoryConfigError, "database.urll"),
        ("pachon: 1\ndatabase: {url: 3}\n", RepositoryConfigError, "database.url"),
        ("other: 1\n", RepositoryConfigError, "no repository of pachon"),
        ("- a\n", RepositoryConfigError, "mapping"),
        ("a: [\n", RepositoryConfigError, "not YAML"),
    ],
)
def test_a_wrong_configuration_gives_one_line(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    (tmp_path / "butler.yaml").write_text(text)
    with pytest.raises(error, match=message) as caught:
        Butler.open(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_labels(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    index = tmp_path / "index.yaml"
    index.write_text(f"site: {repository}\nother: {tmp_path / 'none'}\n")
    monkeypatch.setenv("PACHON_REPOSITORY_INDEX", str(index))
    assert get_known_repositories() == {"site": str(repository), "other": str(tmp_path / "none")}
    # A label wins over a folder of the same name.
    (tmp_path / "site").mkdir()
    with Butler.open("site") as butler:
        assert butler.root.ospath.rstrip("/") == str(repository)
    with pytest.raises(RepositoryNotFoundError, match="Known labels are other, site"):
        Butler.open("sit")


def test_the_index_as_text_and_its_errors(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACHON_REPOSITORIES", f"{{site: {repository}}}")
    Butler.open("site").close()
    monkeypatch.setenv("PACHON_REPOSITORY_INDEX", str(tmp_path / "missing.yaml"))
    with pytest.raises(RepositoryNotFoundError, match="Both"):
        Butler.open("site")
    # What is wrong with the index does not matter to a path.
    Butler.open(str(repository)).close()
    monkeypatch.delenv("PACHON_REPOSITORIES")
    with pytest.raises(RepositoryNotFoundError, match=r"could not be read.*missing\.yaml"):
        Butler.open("site")


def test_what_searches_elsewhere_does_not_keep_the_repository_open(repository: Path, tmp_path: Path) -> None:
    with Butler.open(str(repository), run="r", instrument="Cam") as butler:
        butler.backup(tmp_path / "backup")
        other = butler.searching(["r"])
        assert other.collections.defaults == ("r",)
        assert other.collections.query("*") == []
    with pytest.raises(InvalidInputError, match="closed"):
        other.collections.query("*")
    # It refuses a database that anything has open, also in this process.
    assert restore_repository(str(repository), tmp_path / "backup").replaced is not None
    other.close()


def test_defaults_and_clones(repository: Path) -> None:
    with Butler.open(str(repository), run="r", instrument="Cam") as butler:
        assert butler.writeable
        assert butler.collections.defaults == ("r",)
        # The run is made by the first write.
        assert butler.collections.query() == []
        clone = butler.clone(collections=["a", "b"], run=None)
        assert (clone.collections.defaults, clone.run, dict(clone.default_data_id)) == (
            ("a", "b"),
            None,
            {"instrument": "Cam"},
        )
        assert clone.clone(data_id=None).default_data_id == {}
        butler.close()
        # The connection closes with its last user.
        assert clone.collections.query() == []
        clone.close()


def test_only_governors_have_defaults(repository: Path) -> None:
    with pytest.raises(DataIdValueError, match="not 'detector'"):
        Butler.open(str(repository), detector=1)
    with pytest.raises(DataIdValueError, match=r"not 'writable'.*Did you mean 'writeable'"):
        Butler.open(str(repository), writable=True)


def test_a_butler_is_not_made_of_a_path(repository: Path) -> None:
    for path in (repository, str(repository)):
        with pytest.raises(InvalidInputError, match=r"Butler\.open\('"):
            Butler(path)  # type: ignore[arg-type]


def test_a_closed_butler_says_so(repository: Path) -> None:
    butler = Butler.open(str(repository), run="r")
    butler.close()
    butler.close()
    for call in (
        lambda: butler.get("gain", detector=1),
        lambda: butler.put({}, "note"),
        butler.collections.query,
        lambda: butler.query_datasets("gain"),
        lambda: butler.dataset_types.get("gain"),
        lambda: butler.fetch_records("detector"),
        butler.__enter__,
    ):
        with pytest.raises(ClosedButlerError, match="closed"):
            call()


def test_read_only(repository: Path) -> None:
    with Butler.open(str(repository), collections="run") as butler:
        assert not butler.writeable
        for call in (
            lambda: butler.put({}, "note", run="run"),
            lambda: butler.put_many([({}, "note", {})], run="run"),
            lambda: butler.ingest([], run="run"),
            lambda: butler.prune([]),
            lambda: butler.trash([]),
            butler.empty_trash,
            lambda: butler.remove_runs("run"),
            lambda: butler.transaction().__enter__(),
            lambda: butler.collections.register("x"),
            lambda: butler.collections.associate("x", []),
            lambda: butler.dataset_types.remove("note"),
            lambda: butler.dimension_records.insert("instrument", []),
            lambda: butler.register_graph_outputs([], butler.datastore_records([])),
        ):
            with pytest.raises(ReadOnlyError, match="read-only"):
                call()
    assert not (repository / "run").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_repository_on_a_read_only_file_system(repository: Path) -> None:
    for path in (*repository.rglob("*"), repository):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with Butler.open(str(repository)) as butler:
            assert len(butler.fetch_records("instrument")) == 1
    finally:
        repository.chmod(0o755)


def test_a_butler_goes_to_another_process(repository: Path) -> None:
    with Butler.open(str(repository), run="run", instrument="Cam") as butler:
        ref = butler.put({"a": 1}, "note")
        sent = pickle.dumps((butler, ref))
    code = "import pickle, sys; b, r = pickle.load(sys.stdin.buffer); print(b.get(r), b.run, dict(b.default_data_id))"
    done = subprocess.run([sys.executable, "-c", code], input=sent, capture_output=True, check=True)
    assert done.stdout.decode().strip() == "{'a': 1} run {'instrument': 'Cam'}"


def with_disk(root: Path, disk: Path) -> str:
    config = root / "butler.yaml"
    config.write_text(config.read_text().replace("root: <butlerRoot>", f"root: {disk}"))
    return str(root)


def test_a_root_of_files_that_is_missing(repository: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    root = with_disk(repository, disk)
    with Butler.open(root) as butler:
        assert not list(butler.query_all_datasets("*"))
    assert not disk.exists(), "reading makes no folder"
    with Butler.open(root, run="run", instrument="Cam") as butler:
        ref = butler.put({"n": 1}, "gain", detector=1)
    disk.rename(tmp_path / "unmounted")
    with Butler.open(root) as butler:
        assert list(butler.query_datasets("gain", collections="run")) == [ref]
        with pytest.raises(DatasetFileNotFoundError):
            butler.get(ref)
    with pytest.raises(StorageError, match=r"disk\. Is its disk mounted"):
        Butler.open(root, writeable=True)
    assert not disk.exists()


def test_a_repository_that_one_may_not_look_at(repository: Path) -> None:
    repository.chmod(0o700)
    child = os.fork()
    if not child:
        # Another user, whoever runs the tests; who is not root takes the rights from itself.
        told = 1
        try:
            os.setuid(65534) if os.geteuid() == 0 else repository.chmod(0)
            locate_repository(str(repository))
        except StorageError as error:
            told = 0 if "permission denied" in str(error) else 2
        finally:
            os._exit(told)
    _, status = os.waitpid(child, 0)
    repository.chmod(0o700)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_run_that_leads_out(butler: Butler) -> None:
    with pytest.raises(CollectionExpressionError, match=r"^'\.\./\.\./x' is no name"):
        butler.put({"n": 1}, "gain", detector=1, run="../../x")


def test_a_datastore_that_cannot_be_opened_stands_in_the_way_of_no_query(repository: Path) -> None:
    with Butler.open(str(repository), run="run", instrument="Cam") as butler:
        ref = butler.put({"a": 1}, "gain", detector=0)
    config = repository / "butler.yaml"
    config.write_text(
        config.read_text().replace("datastore:\n", "datastore:\n  templates: {default: '{datasetType}'}\n")
    )
    with Butler.open(str(repository), collections="run") as butler:
        assert list(butler.query_datasets("gain")) == [ref]
        for _ in range(2):
            with pytest.raises(TemplateError) as caught:
                butler.get(ref)
            assert _notes_of_configuration(caught.value) == [str(config)]
    with pytest.raises(TemplateError):
        Butler.open(str(repository), writeable=True)
    config.write_text(config.read_text().replace("templates:", "template:"))
    with pytest.raises(DatastoreConfigError, match="templates") as wrong:
        Butler.open(str(repository))
    assert _notes_of_configuration(wrong.value) == [str(config)]


def _notes_of_configuration(error: BaseException) -> list[str]:
    """Give the files that notes of an error name."""
    found = re.findall(r"^The datastore is configured in file://(.*)\.$", "\n".join(error.__notes__), re.MULTILINE)
    return list(found)


def test_threads_that_come_first_share_what_they_open(repository: Path) -> None:
    count = 8
    with Butler.open(str(repository)) as butler:
        clones = [butler.clone() for _ in range(count)]
        together = threading.Barrier(count)

        def use(clone: Butler) -> object:
            together.wait()
            return clone._session.datastore

        with ThreadPoolExecutor(count) as threads:
            opened = list(threads.map(use, clones))
        assert all(one is butler._session.datastore for one in opened)
        for clone in clones:
            clone.close()
