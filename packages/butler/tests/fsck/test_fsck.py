# SPDX-License-Identifier: BSD-3-Clause
"""Each thing that can be wrong with a repository: it is found, explained and mended, and nothing else is touched."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from pachon.base import InvalidInputError, PachonError, ReadOnlyError
from pachon.butler import Butler, FindingKind, FsckReport, WriterEndedError
from pachon.butler.fsck.facts import fetch_facts
from pachon.butler.fsck.mending import FAULT_POINTS
from pachon.butler.fsck.own_files import OwnFiles
from pachon.butler.fsck.rendering import render_report
from pachon.butler.writer_table import WriterTable
from pachon.datasets import DatasetRef, FileDataset
from pachon.datastore import FileRecords, faults
from pachon.datastore.file_check import FileCheck, FileKeeper

KILLED_WRITER = """
import os, sys
from pachon.butler import Butler
from pachon.datastore import faults

def kill(point):
    if point == sys.argv[2]:
        os.kill(os.getpid(), 9)

butler = Butler.open(sys.argv[1], run="run", instrument="Cam")
with faults.install(kill):
    butler.put({"n": 99}, "gain", detector=3)
"""


@pytest.fixture
def stored(repository: Path) -> list[DatasetRef]:
    """Three datasets, stored by a butler that was closed."""
    with Butler.open(str(repository), run="run", instrument="Cam") as butler:
        return [butler.put({"n": n}, "gain", detector=n) for n in range(3)]


@pytest.fixture
def checker(repository: Path, stored: list[DatasetRef]) -> Iterator[Butler]:
    with Butler.open(str(repository), writeable=True, collections="run", instrument="Cam") as butler:
        yield butler


def place(butler: Butler, ref: DatasetRef) -> Path:
    return Path(butler.get_uri(ref).ospath)


def kinds(report: FsckReport) -> list[FindingKind]:
    return [finding.kind for finding in report.findings]


def kill_a_writer(root: Path, point: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_WRITER, str(root), point], check=False)
    assert done.returncode == -9


def leave_behind(butler: Butler, root: Path) -> Path:
    """Make a file as a writer leaves it that failed, could not remove it, and was closed."""
    # The last one: that of the repository which is copied for each test may have ended long ago.
    closed = max(
        (w for w in WriterTable(butler._session.registry).fetch_all() if w.ended_well), key=lambda w: w.ended_ns
    )
    path = root / "run" / "gain" / f"gain_Cam-w{closed.token}abcdef.yaml"
    path.write_text("n: 5\n")
    return path


def check_the_rest(butler: Butler, refs: list[DatasetRef]) -> None:
    for ref in refs:
        assert butler.get(ref) == {"n": ref.data_id["detector"]}


def test_a_whole_repository_is_clean(checker: Butler, repository: Path) -> None:
    report = checker.fsck()
    assert (report.clean, report.findings, report.files, report.records) == (True, (), 3, 3)
    assert checker.fsck(verify="checksum", repair=True, min_age=0).findings == ()
    with Butler.open(str(repository)) as reading:
        assert reading.fsck(verify="existence").clean


class TestRowsWithoutTheirFile:
    @pytest.fixture
    def damage(self, checker: Butler, stored: list[DatasetRef]) -> Callable[[str], None]:
        path = place(checker, stored[0])

        def damage(how: str) -> None:
            match how:
                case "missing":
                    path.unlink()
                case "truncated":
                    path.write_bytes(path.read_bytes()[:-2])
                case "flipped":
                    data = bytearray(path.read_bytes())
                    data[0] ^= 1
                    path.write_bytes(bytes(data))

        return damage

    @pytest.mark.parametrize(
        ("how", "verify", "kind"),
        [
            ("missing", "existence", FindingKind.MISSING_FILE),
            ("missing", "checksum", FindingKind.MISSING_FILE),
            ("truncated", "size", FindingKind.WRONG_SIZE),
            ("truncated", "existence", None),
            ("flipped", "size", None),
            ("flipped", "checksum", FindingKind.WRONG_CHECKSUM),
        ],
    )
    def test_is_found_and_named(
        self,
        checker: Butler,
        stored: list[DatasetRef],
        damage: Callable[[str], None],
        how: str,
        verify: str,
        kind: FindingKind | None,
    ) -> None:
        damage(how)
        report = checker.fsck(verify=verify)  # type: ignore[arg-type]
        assert kinds(report) == ([] if kind is None else [kind])
        assert report.clean == (kind is None)
        if kind is not None:
            (finding,) = report.findings
            assert finding.dataset_id == stored[0].id
            assert "detector=0" in finding.explanation
            assert "in run" in finding.explanation
            # A plain repair never gives a dataset up: the file may come back.
            assert not checker.fsck(verify=verify, repair=True).clean  # type: ignore[arg-type]
            assert checker.exists(stored[0])

    @pytest.mark.parametrize("how", ["missing", "truncated"])
    def test_can_be_unstored_and_stored_again(
        self, checker: Butler, stored: list[DatasetRef], damage: Callable[[str], None], how: str
    ) -> None:
        damage(how)
        report = checker.fsck(repair=True, unstore_damaged=True)
        assert report.clean
        assert [finding.mended for finding in report.findings] == [True]
        assert not checker.exists(stored[0])
        assert checker.fsck().findings == ()
        checker.put({"n": 0}, stored[0])
        check_the_rest(checker, stored)

    @pytest.mark.parametrize(("how", "verify"), [("truncated", "size"), ("flipped", "checksum"), ("missing", "size")])
    def test_damaged_files_are_kept_aside(
        self, checker: Butler, stored: list[DatasetRef], damage: Callable[[str], None], how: str, verify: str
    ) -> None:
        path = place(checker, stored[0])
        damage(how)
        content = path.read_bytes() if how != "missing" else None
        (finding,) = checker.fsck(verify=verify, repair=True, unstore_damaged=True).findings  # type: ignore[arg-type]
        assert finding.mended
        assert "Bring" not in finding.explanation
        assert ".lost+found" in finding.explanation or how == "missing"
        kept = [p.read_bytes() for p in (path.parents[2] / ".lost+found").rglob(path.name)]
        assert kept == ([] if content is None else [content])
        assert not path.exists()
        assert checker.fsck(verify="checksum").findings == ()

    def test_a_folder_in_its_place(self, checker: Butler, stored: list[DatasetRef]) -> None:
        path = place(checker, stored[0])
        path.unlink()
        path.mkdir()
        (finding,) = checker.fsck().findings
        assert (finding.kind, "a folder is in its place" in finding.explanation) == (FindingKind.UNREADABLE_FILE, True)
        assert checker.fsck(repair=True, unstore_damaged=True).clean
        assert checker.fsck().findings == ()

    def test_what_cannot_be_read_in_its_place(self, checker: Butler, stored: list[DatasetRef]) -> None:
        first, second = (place(checker, ref) for ref in stored[:2])
        for path in (first, second):
            path.unlink()
        os.mkfifo(first)
        second.symlink_to(second.name)
        with pytest.raises(PachonError, match="its size is 0"):
            checker.get(stored[0])
        with pytest.raises(PachonError, match="symbolic links"):
            checker.get(stored[1])
        report = checker.fsck(verify="checksum")
        assert kinds(report) == [FindingKind.UNREADABLE_FILE] * 2
        said = render_report(report, most=None)
        assert "has a file that cannot be looked at: what is no file is in its place. Bring" in said
        assert "symbolic links" in said
        assert "--repair mends" not in said
        assert checker.fsck(repair=True, unstore_damaged=True).clean
        assert checker.fsck().findings == ()

    def test_a_file_that_another_dataset_has_stays(self, checker: Butler, stored: list[DatasetRef]) -> None:
        path = place(checker, stored[0])
        (other,) = checker.ingest(
            [FileDataset(path, dataset_type="gain", data_ids={"instrument": "Cam", "detector": 3})],
            run="run", transfer=None, track=False,
        )  # fmt: skip
        path.write_text("n: 3 # longer\n")
        assert checker.fsck(repair=True, unstore_damaged=True).clean
        assert not checker.exists(stored[0])
        assert checker.get(other) == {"n": 3}

    def test_a_path_that_leads_out(self, checker: Butler, stored: list[DatasetRef], repository: Path) -> None:
        with closing(sqlite3.connect(repository / "registry.sqlite3", isolation_level=None)) as database:
            change = "UPDATE records_file_record SET path = '../../etc/passwd' WHERE dataset_id = ?"
            database.execute(change, (stored[1].id.bytes,))
        (finding, other) = checker.fsck().findings
        assert finding.kind is FindingKind.PATH_OUTSIDE
        assert other.kind is FindingKind.LEFTOVER_FILE


class TestFilesWithoutRow:
    @pytest.mark.parametrize("point", ["write.written", "write.files_synced", "commit.begin", "commit.rows_written"])
    def test_of_a_killed_writer_are_cleared_away(
        self, checker: Butler, stored: list[DatasetRef], repository: Path, point: str
    ) -> None:
        kill_a_writer(repository, point)
        report = checker.fsck()
        assert kinds(report) == [FindingKind.LEFTOVER_FILE, FindingKind.DEAD_WRITER]
        leftover, dead = report.findings
        assert leftover.writer == dead.writer
        assert "--repair ends it, and moves what it left" in dead.explanation
        assert "--min-age" in leftover.explanation
        assert (repository / leftover.path).exists()
        assert not checker.fsck(repair=True).clean, "it is younger than an hour"
        assert (repository / leftover.path).exists()
        report = checker.fsck(repair=True, min_age=0)
        assert report.clean
        assert not (repository / leftover.path).exists()
        assert checker.fsck().findings == ()
        check_the_rest(checker, stored)
        with Butler.open(str(repository), run="run", instrument="Cam") as again:
            again.put({"n": 3}, "gain", detector=3)

    def test_a_killed_writer_that_left_none_is_no_problem(self, checker: Butler, repository: Path) -> None:
        kill_a_writer(repository, "commit.done")
        report = checker.fsck()
        assert kinds(report) == [FindingKind.DEAD_WRITER]
        assert report.clean
        assert checker.fsck(repair=True).clean
        assert checker.fsck().findings == ()

    def test_of_a_killed_writer_are_kept_aside(self, checker: Butler, repository: Path) -> None:
        # A database that was restored from an earlier time would look the same: then they may be the only copies.
        kill_a_writer(repository, "commit.rows_written")
        (path, _) = [finding.path for finding in checker.fsck(repair=True, min_age=0).findings]
        assert [p.read_text() for p in (repository / ".lost+found").rglob(Path(path).name)] == ["n: 99\n"]

    def test_of_a_writer_that_has_ended_are_removed(
        self, checker: Butler, repository: Path, stored: list[DatasetRef]
    ) -> None:
        path = leave_behind(checker, repository)
        assert kinds(checker.fsck()) == [FindingKind.LEFTOVER_FILE]
        assert checker.fsck(repair=True, min_age=0).clean
        assert not path.exists()
        assert not (repository / ".lost+found").exists()
        check_the_rest(checker, stored)

    def test_of_a_writer_at_work_stay(self, checker: Butler, repository: Path) -> None:
        with Butler.open(str(repository), run="run", instrument="Cam") as writer:
            with writer.transaction():
                ref = writer.put({"n": 3}, "gain", detector=3)
                report = checker.fsck(repair=True, min_age=0)
                assert kinds(report) == [FindingKind.FILE_IN_PROGRESS]
                assert report.clean
            assert writer.get(ref) == {"n": 3}
        assert checker.fsck().findings == ()

    def test_of_a_writer_that_was_declared_dead_get_no_rows(self, checker: Butler, repository: Path) -> None:
        table = WriterTable(checker._session.registry)
        with Butler.open(str(repository), run="run", instrument="Cam") as writer:
            with pytest.raises(WriterEndedError, match="do it again"), writer.transaction():  # noqa: PT012 (the end of the block raises)
                writer.put({"n": 3}, "gain", detector=3)
                # As if it were on another machine, and had not been heard of for days.
                (mine,) = [w for w in table.fetch_all() if not w.ended_ns]
                table.end(mine.token, time.time_ns(), "declared dead")
                assert checker.fsck(repair=True, min_age=0).clean
            assert writer.find_dataset("gain", detector=3, collections="run") is None
            writer.put({"n": 3}, "gain", detector=3)
            assert writer.get("gain", detector=3) == {"n": 3}
        assert checker.fsck().findings == ()

    def test_of_nobody_are_put_aside(self, checker: Butler, repository: Path, stored: list[DatasetRef]) -> None:
        stray = repository / "run" / "gain" / "stray.yaml"
        stray.write_text("x: 1\n")
        assert kinds(checker.fsck()) == [FindingKind.FOREIGN_FILE]
        assert not checker.fsck(repair=True).clean
        assert stray.exists()
        report = checker.fsck(repair=True, min_age=0)
        assert report.clean
        assert not stray.exists()
        (kept,) = (repository / ".lost+found").rglob("stray.yaml")
        assert kept.read_text() == "x: 1\n"
        assert checker.fsck().findings == ()
        check_the_rest(checker, stored)

    def test_that_are_nobodys_business(self, checker: Butler, repository: Path) -> None:
        (repository / "notes.txt").write_text("mine")
        (repository / "inner").mkdir()
        (repository / "inner" / "butler.yaml").write_text("pachon: 1\n")
        (repository / "inner" / "data.fits").write_text("of another repository")
        (repository / "run" / ".nfs0001").write_text("")
        assert [finding.path for finding in checker.fsck().findings] == ["notes.txt"]
        assert checker.fsck(ignore=["notes.*"]).findings == ()

    def test_outputs_of_graphs_wait(self, checker: Butler, repository: Path) -> None:
        output = repository / "run" / "gain" / "gain_Cam-p73mdtttw9t7q.yaml"
        output.write_text("n: 1\n")
        report = checker.fsck(repair=True, min_age=0)
        assert kinds(report) == [FindingKind.GRAPH_OUTPUT]
        assert report.clean
        assert output.exists()

    def test_of_a_job_that_was_killed_while_writing(self, checker: Butler, repository: Path) -> None:
        part = repository / "run" / "gain" / ".gain_Cam-p73mdtttw9t7q.yaml-w0123456789ab.part"
        part.write_text("n:")
        assert checker.fsck(repair=True, min_age=0).clean
        assert part.exists(), "it may be at work"

    def test_behind_a_folder_that_is_a_link_stay(
        self, checker: Butler, repository: Path, stored: list[DatasetRef]
    ) -> None:
        # Somebody moved a run to another folder below the root, and left a link.
        (repository / "bulk").mkdir()
        (repository / "run").rename(repository / "bulk" / "run")
        (repository / "run").symlink_to("bulk/run")
        assert checker.fsck(repair=True, min_age=0, verify="checksum").findings == ()
        check_the_rest(checker, stored)

    def test_that_links_lead_to_stay(self, checker: Butler, repository: Path, stored: list[DatasetRef]) -> None:
        source = repository / "staging" / "source.yaml"
        source.parent.mkdir()
        source.write_text("n: 3\n")
        file = FileDataset(source, dataset_type="gain", data_ids={"instrument": "Cam", "detector": 3})
        (ref,) = checker.ingest([file], run="run", transfer="symlink")
        assert checker.fsck(repair=True, min_age=0, verify="checksum").findings == ()
        check_the_rest(checker, [*stored, ref])

    def test_in_a_folder_elsewhere_are_not_looked_at(self, checker: Butler, repository: Path, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "letter.txt").write_text("dear")
        (repository / "home").symlink_to(tmp_path / "home")
        assert checker.fsck(repair=True, min_age=0).findings == ()
        assert (repository / "home" / "letter.txt").exists()

    def test_a_link_that_leads_to_itself(self, checker: Butler, repository: Path, stored: list[DatasetRef]) -> None:
        (repository / "run" / "loop").symlink_to("pool")
        (repository / "run" / "pool").symlink_to("loop")
        report = checker.fsck(repair=True, min_age=0)
        assert sorted((finding.path, finding.kind) for finding in report.findings) == [
            (f"run/{name}", FindingKind.FOREIGN_FILE) for name in ("loop", "pool")
        ]
        assert report.clean
        assert checker.fsck().findings == ()

    def test_lines_of_the_report_are_its_own(self, checker: Butler, repository: Path, stored: list[DatasetRef]) -> None:
        (repository / "run" / "a\nNothing is wrong.\x1b[2J").write_text("x")
        said = render_report(checker.fsck(), most=None)
        assert "run/a\\nNothing is wrong.\\x1b[2J: " in said

    def test_links(self, checker: Butler, repository: Path, tmp_path: Path) -> None:
        source = tmp_path / "source.yaml"
        source.write_text("n: 3\n")
        file = FileDataset(source, dataset_type="gain", data_ids={"instrument": "Cam", "detector": 3})
        checker.ingest([file], run="run", transfer="symlink")
        assert checker.fsck(verify="checksum").findings == ()
        source.unlink()
        (missing,) = checker.fsck().findings
        assert missing.kind is FindingKind.MISSING_FILE
        assert f"in its place is a link to {str(source)!r}, where nothing is" in missing.explanation


class TestTrash:
    def test_is_emptied(self, checker: Butler, stored: list[DatasetRef]) -> None:
        path = place(checker, stored[0])
        checker.trash([stored[0]])
        report = checker.fsck()
        assert kinds(report) == [FindingKind.TRASH]
        assert not report.clean
        assert path.exists()
        assert checker.fsck(repair=True).clean
        assert not path.exists()
        assert checker.fsck().findings == ()

    def test_that_cannot_be_emptied_is_left(self, checker: Butler, stored: list[DatasetRef], repository: Path) -> None:
        checker.trash([stored[0]])
        folder = repository / "run" / "gain"
        target = place(checker, stored[1]).parent
        assert target == folder
        path = next(f for f in folder.iterdir() if f.name.endswith(".yaml") and "S00" in f.name)
        path.unlink()
        path.mkdir()
        report = checker.fsck(repair=True)
        assert not report.clean
        (finding,) = report.remaining
        assert "cannot be deleted" in finding.explanation
        path.rmdir()
        assert checker.fsck(repair=True).clean


def test_a_row_without_a_dataset(checker: Butler, stored: list[DatasetRef], repository: Path) -> None:
    path = place(checker, stored[2])
    with closing(sqlite3.connect(repository / "registry.sqlite3", isolation_level=None)) as database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM dataset WHERE dataset_id = ?", (stored[2].id.bytes,))
    assert kinds(checker.fsck()) == [FindingKind.UNREGISTERED_RECORD]
    assert checker.fsck(repair=True, min_age=0).clean
    assert not path.exists()
    assert list((repository / ".lost+found").rglob(path.name)), "nobody knows what it was"
    assert checker.fsck().findings == ()
    check_the_rest(checker, stored[:2])


def test_a_database_of_yesterday(checker: Butler, stored: list[DatasetRef], repository: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite3"
    with (
        closing(sqlite3.connect(repository / "registry.sqlite3")) as database,
        closing(sqlite3.connect(copy)) as target,
    ):
        database.backup(target)
    checker.prune([stored[0]], purge=True)
    with Butler.open(str(repository), run="run", instrument="Cam") as later:
        kept = later.put({"n": 3}, "gain", detector=3)
        path = place(later, kept)
    checker.close()
    for suffix in ("-wal", "-shm"):
        (repository / f"registry.sqlite3{suffix}").unlink(missing_ok=True)
    shutil.copy(copy, repository / "registry.sqlite3")
    with Butler.open(str(repository), writeable=True, collections="run") as butler:
        report = butler.fsck()
        assert sorted(kind.value for kind in kinds(report)) == ["later_file", "missing_file"]
        report = butler.fsck(repair=True, min_age=0, unstore_damaged=True)
        assert report.clean
        assert len(list((repository / ".lost+found").rglob(path.name))) == 1, "it was acknowledged: it is never deleted"
        assert butler.fsck().findings == ()
        check_the_rest(butler, stored[1:])


@pytest.mark.parametrize("point", FAULT_POINTS)
def test_a_repair_that_is_interrupted_can_be_repeated(
    checker: Butler, stored: list[DatasetRef], repository: Path, point: str
) -> None:
    kill_a_writer(repository, "commit.begin")
    (repository / "run" / "stray.yaml").write_text("x")
    leave_behind(checker, repository)
    place(checker, stored[0]).unlink()
    with closing(sqlite3.connect(repository / "registry.sqlite3", isolation_level=None)) as database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM dataset WHERE dataset_id = ?", (stored[2].id.bytes,))

    def stop(reached: str) -> None:
        if reached == point:
            raise InterruptedError

    with faults.install(stop), pytest.raises(InterruptedError):
        checker.fsck(repair=True, min_age=0, unstore_damaged=True)
    assert checker.fsck(repair=True, min_age=0, unstore_damaged=True).clean
    assert checker.fsck().findings == ()
    check_the_rest(checker, [stored[1]])


class TestWhileOthersWork:
    """What is stored or removed while a check goes on is no finding."""

    def test_a_writer_that_begins_after_the_writers_were_read(
        self, checker: Butler, repository: Path, stored: list[DatasetRef]
    ) -> None:
        written, may_go_on = threading.Event(), threading.Event()

        def hold(point: str) -> None:
            if point == "commit.begin" and threading.current_thread() is writing:
                written.set()
                assert may_go_on.wait(60)

        def write() -> None:
            with Butler.open(str(repository), run="run", instrument="Cam") as butler:
                butler.put({"n": 3}, "gain", detector=3)

        def begin_a_writer() -> Iterator[str]:
            """Is asked for after the writers are read and before the files are listed."""
            writing.start()
            assert written.wait(60)
            yield "*.nobody"

        writing = threading.Thread(target=write)
        with faults.install(hold):
            report = checker.fsck(repair=True, min_age=0, ignore=begin_a_writer())
            may_go_on.set()
            writing.join()
        assert kinds(report) == [FindingKind.FILE_IN_PROGRESS]
        assert checker.fsck(verify="checksum").findings == ()
        assert checker.get("gain", detector=3) == {"n": 3}

    def test_a_dataset_that_is_removed_after_its_row_was_read(
        self, checker: Butler, repository: Path, stored: list[DatasetRef]
    ) -> None:
        class Slow:
            """The datastore; before it looks at files somebody removes one of them."""

            def __getattr__(self, name: str) -> object:
                return getattr(keeper, name)

            def check_files(self, records: FileRecords, *, checksum: bool) -> FileCheck:
                with Butler.open(str(repository), run="run", instrument="Cam") as other:
                    other.prune([stored[1]], purge=True)
                return keeper.check_files(records, checksum=checksum)

        place(checker, stored[0]).unlink()
        session = checker._session
        keeper = session.datastore
        assert isinstance(keeper, FileKeeper)
        own = OwnFiles.of("butler.yaml", "registry.sqlite3", ())
        facts = fetch_facts(cast(FileKeeper, Slow()), session.records, own, verify="checksum")
        assert [bad.row.dataset_id for bad in facts.bad_rows] == [stored[0].id]


def test_a_foreign_file_whose_name_is_not_in_utf_8(checker: Butler, repository: Path, stored: list[DatasetRef]) -> None:
    name = b"x\xff.yaml"
    with open(os.fsencode(repository / "run") + b"/" + name, "w") as stream:
        stream.write("n: 1\n")
    report = checker.fsck(repair=True, min_age=0)
    assert kinds(report) == [FindingKind.FOREIGN_FILE]
    assert report.clean
    assert json.dumps(report.to_document())
    assert "x\\udcff.yaml" in ascii(render_report(report, most=None))
    assert checker.fsck().findings == ()
    (aside,) = (path for path in (repository / ".lost+found").rglob("*") if path.is_file())
    assert os.fsencode(aside.name) == name


class TestWrongUse:
    def test_arguments(self, checker: Butler) -> None:
        with pytest.raises(InvalidInputError, match="existence, size, checksum"):
            checker.fsck(verify="all")  # type: ignore[arg-type]
        for age in (-1.0, float("nan"), "1"):
            with pytest.raises(InvalidInputError, match="not negative"):
                checker.fsck(min_age=age)  # type: ignore[arg-type]
        with pytest.raises(InvalidInputError, match="repair=True"):
            checker.fsck(unstore_damaged=True)

    def test_a_reader_cannot_repair(self, repository: Path) -> None:
        with Butler.open(str(repository)) as butler, pytest.raises(ReadOnlyError):
            butler.fsck(repair=True)

    def test_a_root_that_is_gone_is_an_error(self, checker: Butler, repository: Path) -> None:
        # Otherwise a folder that is not mounted would look like a repository that lost all its files.
        os.rename(repository, repository.parent / "elsewhere")
        with pytest.raises(OSError, match="cannot be listed"):
            checker.fsck()


class TestCommand:
    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from pachon.butler.program import main; main()", "fsck", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_exit_codes_and_json(self, repository: Path, stored: list[DatasetRef]) -> None:
        assert self.run(str(repository)).returncode == 0
        (repository / "run" / "stray.yaml").write_text("x")
        found = self.run(str(repository))
        assert found.returncode == 1
        assert "stray.yaml: No writer of this repository made it" in found.stdout
        young = "Too young to be touched: 1; --min-age SECONDS says how old a file must be."
        assert found.stdout.endswith(f"1 problem is left. --repair mends what can be mended. {young}\n")
        kept = self.run(str(repository), "--repair")
        assert kept.returncode == 1
        assert kept.stdout.endswith(f"1 problem is left. {young}\n")
        assert json.loads(self.run(str(repository), "--json").stdout)["findings"][0]["too_young"] is True
        mended = self.run(str(repository), "--repair", "--min-age", "0", "--json")
        assert mended.returncode == 0
        document = json.loads(mended.stdout)
        assert document["clean"] is True
        assert document["counts"] == {"foreign_file": {"found": 1, "mended": 1, "problem": True}}
        assert document["findings"][0]["path"] == "run/stray.yaml"

    def test_no_repair_is_offered_that_mends_nothing(
        self, repository: Path, checker: Butler, stored: list[DatasetRef]
    ) -> None:
        Path(checker.get_uri(stored[0]).path).unlink()
        found = self.run(str(repository))
        assert found.returncode == 1
        assert "--repair --unstore-damaged" in found.stdout
        assert found.stdout.endswith("1 problem is left.\n")
