# SPDX-License-Identifier: BSD-3-Clause
"""An object store that loses the answer of a PUT that it did, hangs up, answers 503, or is slow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from s3_server import running_server, temporary_bucket

from faults.checking import check_one_of, mend
from faults.conftest import NIGHTLY
from faults.operations import Ingest, Operation, Prune
from faults.repositories import Repository
from faults.s3_proxy import S3Proxy
from faults.state import Key, State
from faults.test_kill_at_points import CASES, OLD
from pachon.base import PachonError, StorageError
from pachon.butler import Butler
from pachon.resources import ResourcePath, backends

WRITES: dict[str, tuple[Operation, ...]] = {
    "put": (CASES["put"][1],),
    "put of a table": (CASES["put of a table"][1],),
    "put_many": (OLD,),
    "ingest copy": (Ingest(values={Key("r/0", "gain", n): n for n in (1, 2, 3)}, mode="copy"),),
    "transaction": CASES["transaction"][0] + (CASES["transaction"][1],),
}


@pytest.fixture(scope="module")
def proxy() -> Iterator[S3Proxy]:
    with running_server() as address, S3Proxy(address) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path, proxy: S3Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """A repository whose files are in the object store; its client tries each request twice."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    with temporary_bucket(proxy.address, "faults", monkeypatch) as uri:
        yield Repository.make(tmp_path, datastore={"root": f"{uri}files/"})


@pytest.fixture
def impatient(store: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up sooner, so that a test of a store that stays in trouble is short."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    backends._backends.clear()


def files_of(butler: Butler) -> list[ResourcePath]:
    root = ResourcePath(butler.datastore_document()["root"], force_directory=True)
    return [folder.join(name) for folder, _, names in root.walk() for name in names]


def apply(butler: Butler, operations: tuple[Operation, ...], repository: Repository) -> State:
    state = State()
    for operation in operations:
        operation.prepare(repository.folder)
        operation.apply(butler, repository.folder)
        state = operation.states(state)[-1]
    return state


@pytest.mark.parametrize("kind", ["lost", "refused", "busy", "slow"])
@pytest.mark.parametrize("case", WRITES)
def test_a_request_that_goes_wrong_once_is_no_error(store: Repository, proxy: S3Proxy, case: str, kind: str) -> None:
    """The client tries again; a file that it made already, it knows for its own."""
    *first, last = WRITES[case]
    with store.open() as butler:
        before = apply(butler, tuple(first), store)
        last.prepare(store.folder)
        with proxy.in_trouble("PUT", kind) as trouble:
            last.apply(butler, store.folder)
        assert trouble.met == 1
        done = check_one_of(butler, [last.states(before)[-1]], f"{case}, {kind}")
        assert mend(butler, done, case) == {}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["lost", "busy"])
@pytest.mark.parametrize("case", WRITES if NIGHTLY else ["put", "put_many", "ingest copy"])
def test_a_store_that_stays_in_trouble(store: Repository, proxy: S3Proxy, case: str, kind: str) -> None:
    """The write fails, of several files at the first or a later one; nothing is visible, and the retry succeeds."""
    *first, last = WRITES[case]
    with store.open() as butler:
        before = apply(butler, tuple(first), store)
        last.prepare(store.folder)
        for skip in (0, 1) if case == "put_many" else (0,):
            with proxy.in_trouble("PUT", kind, count=1000, skip=skip), pytest.raises(StorageError) as caught:
                last.apply(butler, store.folder)
            assert isinstance(caught.value, PachonError)
            assert "secret" not in str(caught.value)
            check_one_of(butler, [before], f"{case}, always {kind}")
    # What the failing call could not remove, it left as an ended writer.
    with store.open() as butler:
        mend(butler, before, f"{case}, always {kind}")
        last.apply(butler, store.folder)
        check_one_of(butler, [last.states(before)[-1]], f"{case}, done again")


@pytest.mark.parametrize("kind", ["lost", "refused", "busy"])
def test_another_file_at_the_path_is_never_taken_for_ours(store: Repository, proxy: S3Proxy, kind: str) -> None:
    """The store says that the file exists, and what is there is something else: the write fails."""
    from pachon.datastore.file_store import FileStore

    with store.open() as butler:
        files = FileStore(ResourcePath(butler.datastore_document()["root"], force_directory=True))
        files.uri("r/one-w123.yaml").write(b"somebody's")
        with pytest.raises(PachonError, match="exists"):
            files.create("r/one-w123.yaml", b"some-bodys")
        assert files.uri("r/one-w123.yaml").read() == b"somebody's"
        with proxy.in_trouble("PUT", kind):
            files.create("r/two-w123.yaml", b"ours")
        assert files.uri("r/two-w123.yaml").read() == b"ours"


@pytest.mark.parametrize("kind", ["lost", "refused", "busy"])
def test_reading_and_removing(store: Repository, proxy: S3Proxy, kind: str) -> None:
    with store.open() as butler:
        before = apply(butler, (OLD,), store)
        with proxy.in_trouble("GET", kind) as trouble:
            check_one_of(butler, [before], f"get, {kind}")
        assert trouble.met == 1
        key = next(iter(OLD.values))
        prune = Prune(keys=(key,), purge=True)
        state = prune.states(before)[-1]
        with proxy.in_trouble("DELETE", kind):
            prune.apply(butler, store.folder)
        check_one_of(butler, [state], f"prune, {kind}")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", ["refused", "busy"] if NIGHTLY else ["busy"])
def test_a_store_that_does_not_delete(store: Repository, proxy: S3Proxy, kind: str) -> None:
    """The datasets are gone, and their files wait in the trash."""
    with store.open() as butler:
        before = apply(butler, (OLD,), store)
        prune = Prune(keys=tuple(before.stored()), purge=True)
        with proxy.in_trouble("DELETE", kind, count=1000):
            prune.apply(butler, store.folder)
        check_one_of(butler, [State()], f"prune, always {kind}")
        assert len(files_of(butler)) == len(OLD.values)
        mend(butler, State(), f"prune, always {kind}")
        assert files_of(butler) == []
