# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: PT012 (what raises is a block of several statements)
"""Whatever goes wrong, and wherever: a change is visible as a whole or not at all, and what is visible can be read."""

import contextlib
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pachon.butler import Butler, writer_lease
from pachon.butler.errors import CommitUnknownError
from pachon.butler.write_protocol import FAULT_POINTS
from pachon.datasets import FileDataset
from pachon.datastore import faults
from pachon.registry import ConflictingDefinitionError, DatabaseError, TransactionConflictError

ALL_POINTS = (*faults.FAULT_POINTS, *FAULT_POINTS)


class FaultError(Exception):
    """What a test makes go wrong."""


def stored_files(root: Path) -> set[Path]:
    return {p for p in (root / "run").rglob("*") if p.is_file()} if (root / "run").exists() else set()


def check(root: Path) -> set[str]:
    """Read all that is registered, and give its content; every record has its file."""
    found: set[str] = set()
    with Butler.open(str(root), collections="run", instrument="Cam") as butler:
        refs = list(butler.query_all_datasets("*")) if butler.collections.query() else []
        for ref in refs:
            flags = butler.exists(ref, verify=True)
            if butler.exists(ref):
                assert flags, f"{ref} is registered and has no file"
                found.add(f"{ref.dataset_type.name}:{ref.data_id.get('detector')}:{sorted(butler.get(ref).items())}")
    return found


def put(butler: Butler, _: Path) -> None:
    butler.put({"n": 1}, "gain", detector=1)


def put_many(butler: Butler, _: Path) -> None:
    butler.put_many([({"n": n}, "gain", {"detector": n}) for n in (1, 2, 3)])


def _sources(folder: Path) -> list[FileDataset]:
    folder.mkdir(exist_ok=True)
    files = []
    for n in (1, 2, 3):
        path = folder / f"file{n}.yaml"
        if not path.exists():
            path.write_text(f"n: {n}\n")
        files.append(FileDataset(path, dataset_type="gain", data_ids={"detector": n}))
    return files


def ingest_copy(butler: Butler, folder: Path) -> None:
    butler.ingest(_sources(folder), transfer="copy")


def ingest_move(butler: Butler, folder: Path) -> None:
    butler.ingest(_sources(folder), transfer="move")


def transaction(butler: Butler, folder: Path) -> None:
    with butler.transaction():
        butler.put({"n": 1}, "gain", detector=1)
        butler.put_many([({"n": n}, "gain", {"detector": n}) for n in (2,)])
        butler.ingest(_sources(folder)[2:], transfer="copy")


def prune(butler: Butler, _: Path) -> None:
    butler.prune(list(butler.query_datasets("note")), purge=True)


def unstore(butler: Butler, _: Path) -> None:
    butler.prune(list(butler.query_datasets("note")))


def remove_runs(butler: Butler, _: Path) -> None:
    butler.remove_runs("run")


WRITES: dict[Callable[[Butler, Path], None], set[str]] = {
    put: {"gain:1:[('n', 1)]"},
    put_many: {f"gain:{n}:[('n', {n})]" for n in (1, 2, 3)},
    ingest_copy: {f"gain:{n}:[('n', {n})]" for n in (1, 2, 3)},
    ingest_move: {f"gain:{n}:[('n', {n})]" for n in (1, 2, 3)},
    transaction: {f"gain:{n}:[('n', {n})]" for n in (1, 2, 3)},
}
REMOVALS = (prune, unstore, remove_runs)
BEFORE = "note:None:[('before', 1)]"


@pytest.fixture
def started(repository: Path) -> Path:
    """A repository that holds one dataset."""
    with Butler.open(str(repository), run="run") as butler:
        butler.put({"before": 1}, "note")
    return repository


def points_of(operation: Callable[[Butler, Path], None], root: Path, folder: Path) -> list[str]:
    """Give the points that an operation passes, in order, each once."""
    passed: list[str] = []
    target = root.parent / "rehearsal"
    shutil.copytree(root, target)
    with Butler.open(str(target), run="run", instrument="Cam") as butler, faults.install(passed.append):
        operation(butler, folder)
    shutil.rmtree(target)
    return list(dict.fromkeys(passed))


def raising_at(point: str, occurrence: int = 1) -> Callable[[str], None]:
    left = occurrence

    def hook(reached: str) -> None:
        nonlocal left
        if reached == point:
            left -= 1
            if left == 0:
                raise FaultError(point)

    return hook


@pytest.mark.parametrize("operation", WRITES, ids=lambda f: f.__name__)
def test_an_exception_at_each_step_of_a_write(
    started: Path, tmp_path: Path, operation: Callable[[Butler, Path], None]
) -> None:
    expected = WRITES[operation] | {BEFORE}
    points = points_of(operation, started, tmp_path / "rehearsed")
    assert set(points) <= set(ALL_POINTS)
    assert len(points) >= 6
    for number, point in enumerate(points):
        root = tmp_path / f"repo{number}"
        shutil.copytree(started, root)
        sources = tmp_path / f"sources{number}"
        with Butler.open(str(root), run="run", instrument="Cam") as butler:
            with faults.install(raising_at(point)), pytest.raises((FaultError, ExceptionGroup)):
                operation(butler, sources)
            found = check(root)
            assert found in ({BEFORE}, expected), point
            if found == {BEFORE}:
                assert len(stored_files(root)) == 1, f"{point}: files of a change that failed are left"
                if operation in (ingest_copy, ingest_move):
                    assert len(list(sources.iterdir())) == 3
                # The same butler goes on, and the retry works.
                operation(butler, sources)
        assert check(root) == expected
        assert len(stored_files(root)) == len(expected)


@pytest.mark.parametrize("operation", REMOVALS, ids=lambda f: f.__name__)
def test_an_exception_at_each_step_of_a_removal(
    started: Path, tmp_path: Path, operation: Callable[[Butler, Path], None]
) -> None:
    points = points_of(operation, started, tmp_path)
    assert "remove.removed" in points
    for number, point in enumerate(points):
        root = tmp_path / f"repo{number}"
        shutil.copytree(started, root)
        with Butler.open(str(root), run="run", instrument="Cam") as butler:
            with faults.install(raising_at(point)), pytest.raises(FaultError):
                operation(butler, tmp_path)
            found = check(root)
            assert found in ({BEFORE}, set()), point
            if found:
                assert len(stored_files(root)) == 1
                operation(butler, tmp_path)
            # A new dataset of the same data ID never meets the old file.
            ref = butler.put({"after": 1}, "note", run="other")
            butler.empty_trash()
            assert butler.get(ref) == {"after": 1}
            assert butler.empty_trash() == []
        assert stored_files(root) == set()


def in_child(root: Path, operation: Callable[[Butler, Path], None], folder: Path, point: str) -> int:
    """Run an operation in a process of its own that ends without a word at a point; give its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with (
                Butler.open(str(root), run="run", instrument="Cam") as butler,
                faults.install(lambda reached: os._exit(9) if reached == point else None),
            ):
                operation(butler, folder)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("operation", [put_many, ingest_move, transaction, prune], ids=lambda f: f.__name__)
def test_a_process_that_dies_at_each_step(
    started: Path, tmp_path: Path, operation: Callable[[Butler, Path], None]
) -> None:
    points = points_of(operation, started, tmp_path / "rehearsed")
    whole = WRITES.get(operation, set()) | ({BEFORE} if operation in WRITES else set())
    for number, point in enumerate(points):
        root = tmp_path / f"repo{number}"
        shutil.copytree(started, root)
        sources = tmp_path / f"sources{number}"
        assert in_child(root, operation, sources, point) == 9
        found = check(root)
        assert found in ({BEFORE}, whole), point
        with Butler.open(str(root), run="run", instrument="Cam") as butler:
            if found == {BEFORE}:
                operation(butler, sources)
            butler.empty_trash()
        assert check(root) == whole


class TestCommitOutcome:
    """A commit that reports an error."""

    @pytest.fixture
    def failing(self, butler: Butler, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Make the next commit fail: after it took place, or instead of it."""
        from contextlib import contextmanager

        registry = butler._session.registry
        plain = registry.write
        how: list[str] = []

        @contextmanager
        def write(**options: bool) -> Iterator[None]:
            outcome = how[0] if how and how[0] == "never" else how.pop() if how else "well"
            if outcome == "after":
                with plain(**options):
                    yield
                raise DatabaseError("the answer was lost")
            if outcome in ("instead", "never"):
                with pytest.raises(FaultError), plain(**options):
                    yield
                    raise FaultError
                raise DatabaseError("the disk is full")
            with plain(**options):
                yield

        monkeypatch.setattr(registry, "write", write)
        monkeypatch.setattr(butler._session.writer, "_registry", registry)
        butler.put({}, "note")
        return how

    def test_that_took_place_is_success(self, butler: Butler, failing: list[str]) -> None:
        failing.append("after")
        ref = butler.put({"n": 1}, "gain", detector=1)
        assert butler.get("gain", detector=1) == {"n": 1}
        assert butler.exists(ref, verify=True)

    def test_that_did_not_is_undone(self, butler: Butler, failing: list[str], repository: Path) -> None:
        failing.append("instead")
        with pytest.raises(DatabaseError, match="full"):
            butler.put({"n": 1}, "gain", detector=1)
        assert butler.find_dataset("gain", detector=1) is None
        assert len(stored_files(repository)) == 1
        butler.put({"n": 2}, "gain", detector=1)
        assert butler.get("gain", detector=1) == {"n": 2}

    def test_of_a_removal_that_took_place_is_success(self, butler: Butler, failing: list[str]) -> None:
        ref = butler.find_dataset("note")
        assert ref is not None
        failing.append("after")
        butler.trash([ref])
        assert not butler.exists(ref)
        assert len(butler.empty_trash()) == 1

    def test_that_nobody_can_tell_undoes_nothing(
        self, butler: Butler, failing: list[str], repository: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writer_lease, "_SETTLING_S", 0.2)
        failing.append("never")
        with pytest.raises(CommitUnknownError, match="Look before you repeat"):
            butler.put({"n": 1}, "gain", detector=1)
        failing.clear()
        assert len(stored_files(repository)) == 2
        assert butler.find_dataset("gain", detector=1) is None
        butler.put({"n": 2}, "gain", detector=1)


def test_an_empty_block_does_nothing(butler: Butler) -> None:
    with butler.transaction():
        pass
    report = butler.fsck(min_age=0)
    assert (report.clean, report.files, report.records) == (True, 0, 0)


class TestTransactionsInEachOthersWay:
    def test_are_done_again(self, butler: Butler) -> None:
        tries = []

        def in_the_way(point: str) -> None:
            if point == "commit.rows_written":
                tries.append(point)
                if len(tries) < 3:
                    raise TransactionConflictError("a deadlock was found")

        with faults.install(in_the_way):
            ref = butler.put({"n": 1}, "gain", detector=1)
        assert len(tries) == 3
        assert butler.get(ref) == {"n": 1}

    def test_are_given_up_at_last(self, butler: Butler, repository: Path) -> None:
        def in_the_way(point: str) -> None:
            if point == "commit.rows_written":
                raise TransactionConflictError("a deadlock was found")

        with faults.install(in_the_way), pytest.raises(TransactionConflictError):
            butler.put({"n": 1}, "gain", detector=1)
        assert stored_files(repository) == set()
        butler.put({"n": 1}, "gain", detector=1)


def test_an_interrupt_in_a_commit_that_took_place_is_an_interrupt(
    butler: Butler, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import contextmanager

    registry = butler._session.registry
    plain = registry.write
    butler.put({}, "note")
    interrupts = [KeyboardInterrupt()]

    @contextmanager
    def write(**options: bool) -> Iterator[None]:
        with plain(**options):
            yield
        if interrupts:
            raise interrupts.pop()

    monkeypatch.setattr(registry, "write", write)
    with pytest.raises(KeyboardInterrupt):
        butler.put({"n": 1}, "gain", detector=1)
    assert butler.get("gain", detector=1) == {"n": 1}


def test_threads_do_not_take_each_others_commits_for_their_own(butler: Butler, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit of one thread fails, and another thread commits before the first has found out."""
    import threading
    from contextlib import contextmanager

    registry = butler._session.registry
    plain = registry.write
    butler.put({}, "note")
    first = threading.current_thread()
    failed, other_waits = threading.Event(), threading.Event()

    @contextmanager
    def write(**options: bool) -> Iterator[None]:
        if threading.current_thread() is first and not failed.is_set():
            with pytest.raises(FaultError), plain(**options):
                yield
                raise FaultError
            failed.set()
            other_waits.wait(10)
            raise DatabaseError("the disk is full")
        with plain(**options):
            yield

    def put_another() -> None:
        failed.wait(10)
        with butler.clone() as clone:
            threading.Timer(0.3, other_waits.set).start()
            clone.put({"n": 2}, "gain", detector=2)

    monkeypatch.setattr(registry, "write", write)
    other = threading.Thread(target=put_another)
    other.start()
    with pytest.raises(DatabaseError, match="full"):
        butler.put({"n": 1}, "gain", detector=1)
    other.join(20)
    assert butler.find_dataset("gain", detector=1) is None
    assert butler.get("gain", detector=2) == {"n": 2}


def test_files_that_cannot_be_removed_do_not_hide_why_the_change_failed(
    butler: Butler, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    butler.put({"n": 1}, "gain", detector=1)

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(ConflictingDefinitionError) as caught:
        butler.put({"n": 2}, "gain", detector=1)
    (note,) = [note for note in caught.value.__notes__ if "could not be removed" in note]
    assert note.startswith("Files that are in no record could not be removed (1): ")
    assert "Permission denied" in note


def test_what_follows_is_done_for_each_change_of_a_block(
    butler: Butler, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source of one move cannot be removed: that of the other goes all the same, and so does a removed file."""
    first, second = _sources(tmp_path / "first"), _sources(tmp_path / "second")[:1]
    second[0] = FileDataset(second[0].path, dataset_type="note", data_ids={})
    old = butler.put({"n": 9}, "bias", detector=1)
    place = Path(butler.get_uri(old).ospath)
    real = os.unlink

    def refuse_first(path: str, **options: object) -> None:
        if "first" in os.fspath(path):
            raise PermissionError(13, "Permission denied", path)
        real(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "unlink", refuse_first)
    with pytest.raises(ExceptionGroup) as caught, butler.transaction():
        butler.ingest(first, transfer="move")
        butler.ingest(second, transfer="move")
        butler.prune([old], purge=True)
    assert any("committed" in note for note in caught.value.__notes__)
    assert Path(first[0].path).exists()
    assert not Path(second[0].path).exists()
    assert not place.exists()
    assert butler.get("note") == {"n": 1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_that_is_forked_while_a_thread_commits_can_write(butler: Butler) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def wait(point: str) -> None:
        if point == "commit.begin" and threading.current_thread().name == "slow":
            reached.set()
            assert go_on.wait(60)

    def slow() -> None:
        with butler.clone(run="slow") as clone:
            clone.put({"slow": 1}, "note")

    def put_in_child() -> None:
        with butler.clone(run="child") as clone:
            clone.put({"child": 1}, "note")

    with faults.install(wait):
        writer = threading.Thread(target=slow, name="slow")
        writer.start()
        assert reached.wait(60)
        child = os.fork()
        if child == 0:
            # The thread that held the lock is not in the child; who waits for it waits for ever.
            signal.alarm(30)
            code = 1
            with contextlib.suppress(BaseException):
                put_in_child()
                code = 0
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        go_on.set()
        writer.join(60)
    assert code == 0
    assert butler.get("note", collections="child") == {"child": 1}
    assert butler.get("note", collections="slow") == {"slow": 1}
