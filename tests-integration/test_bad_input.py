# SPDX-License-Identifier: BSD-3-Clause
"""What users do wrong, by the programs: one clear line that names the culprit, a non-zero exit, and nothing half done.

All runs of this module share one folder with a repository; what they find there is compared with what they leave.
"""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits

TOP = Path(__file__).resolve().parents[1]
OBEY_PERMISSIONS = Path(__file__).with_name("obey_permissions.py")
PIPELINE = "resource://pachon.pipe_tasks/pipelines/simcam/calibration.yaml"
INPUTS = "SimCam/raw/all,SimCam/calib/default"
FRAME = Path("raws/20250301/S20250301_0004_ccd1.fits")
NIGHT = "instrument='SimCam' AND exposure.day_obs=20250301"

Snapshot = dict[str, object]


@dataclass(frozen=True)
class Bench:
    """A folder with ``repo``, ``raws`` and the files of the tests."""

    folder: Path
    run: Callable[..., "subprocess.CompletedProcess[str]"]

    def __call__(self, *words: object) -> None:
        """Run a program that must succeed."""
        self.run(*words, cwd=self.folder)

    def refused(self, *words: object, names: str, code: int = 1, **options: Any) -> str:
        """Run a program that must fail with one line that names the culprit, and leave everything as it was.

        Lines that are indented show the place: an expression with a sign below it.
        """
        before = snapshot(self.folder)
        done = self.run(*words, cwd=self.folder, check=False, **options)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("  ")]
        assert len(lines) == 1, done.stderr
        assert names in lines[0]
        assert changes(before, snapshot(self.folder)) == []
        return lines[0]


def snapshot(folder: Path) -> Snapshot:
    """Give all files with size and time of change, folders, links, and the rows of all databases."""
    found: Snapshot = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.name.endswith((".sqlite3-wal", ".sqlite3-shm")):
            continue
        if path.suffix == ".sqlite3":
            found |= {f"{name}: {row}": None for row in rows_of(path)}
        elif path.is_file() and not path.is_symlink():
            found[name] = (path.stat().st_size, path.stat().st_mtime_ns)
        else:
            found[name] = "link" if path.is_symlink() else "folder"
    return found


def rows_of(database: Path) -> list[str]:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        # A writer that came and went has a row, whatever it did.
        tables = ["sqlite_schema", *(name for name in names if name != "records_writer")]
        return [f"{name}: {row}" for name in tables for row in connection.execute(f'SELECT * FROM "{name}"')]
    except sqlite3.DatabaseError:
        return [str(database.stat().st_size)]
    finally:
        connection.close()


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name, "") != after.get(name, ""))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, warm_run: Any) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("bench"), warm_run)
    bench("butler", "simulate-raws", "raws", "--visits", 1, "--biases", 2, "--flats", 0)
    bench("butler", "create", "repo")
    bench("butler", "register-instrument", "repo", "simcam")
    # The frame that tests spoil is not there yet, so that a part of it would be seen.
    whole = bench.folder / FRAME
    (bench.folder / "spoilt").mkdir()
    spoil(whole, bench.folder / "spoilt")
    bench("butler", "ingest-raws", "repo", "raws", "-t", "symlink", "--regex", r"_ccd[023]\.fits$")
    bench("butler", "define-visits", "repo", "simcam")
    bench("butler", "write-curated-calibrations", "repo", "simcam", "default")
    bench(
        "pipetask", "run", "-b", "repo", "-p", f"{PIPELINE}#make_bias", "-i", INPUTS, "--output-run", "calib/one",
        "-d", NIGHT, "--register-dataset-types",
    )  # fmt: skip
    bench(
        "butler", "certify-calibrations", "repo", "calib/one", "SimCam/calib/default", "bias",
        "--begin-date", "2025-03-01", "--end-date", "2025-03-05",
    )  # fmt: skip
    bench(
        "pipetask", "qgraph", "-b", "repo", "-p", f"{PIPELINE}#make_bias", "-i", INPUTS, "--output-run", "calib/two",
        "-d", NIGHT, "-q", "whole.qg",
    )  # fmt: skip
    write_files(bench.folder)
    return bench


def spoil(frame: Path, folder: Path) -> None:
    """Make files that are no good raw frames, each for one reason."""
    (folder / "short.fits").write_bytes(frame.read_bytes()[:100_000])
    (folder / "note.fits").write_text("this is a note, not an image\n")
    (folder / "empty.fits").touch()
    for name, changed in (
        ("no_instrument", {"INSTRUME": None}),
        ("no_begin", {"DATE-BEG": None}),
        ("no_exposure", {"EXPID": None}),
        ("bad_time", {"EXPTIME": "long"}),
        ("filter", {"FILTER": "Q"}),
        ("detector", {"DETNUM": 17}),
    ):
        with fits.open(frame) as hdus:
            for key, value in changed.items():
                if value is None:
                    del hdus[0].header[key]
                else:
                    hdus[0].header[key] = value
            hdus.writeto(folder / f"{name}.fits")


def write_files(folder: Path) -> None:
    isr = "pachon.pipe_tasks.tasks.isr.IsrTask"
    for name, task in (
        ("no-module", "pachon.pipe_tasks.tasks.isrr.IsrTask"),
        ("no-class", f"{isr}k"),
        ("no-library", "broken_task.BrokenTask"),
    ):
        (folder / f"{name}.yaml").write_text(f"description: d\ntasks:\n  one: {task}\n")
    (folder / "broken_task.py").write_text("import no_such_library\n\n\nclass BrokenTask: ...\n")
    (folder / "cycle.yaml").write_text(
        "description: two tasks that wait for each other\ntasks:\n"
        f"  one: {{class: {isr}, config: {{connections.raw: two_image}}}}\n"
        f"  two: {{class: {isr}, config: {{connections.raw: isr_image, connections.image: two_image}}}}\n"
    )
    (folder / "no-yaml.yaml").write_text("description: d\ntasks:\n  one: [1\n")
    (folder / "notes.csv").write_text("file,instrument\nnote.yaml,SimCam\n")
    (folder / "other-notes.csv").write_text("file,instrument\nnota.yaml,SimCam\n")
    (folder / "note.yaml").write_text("a: 1\n")
    graph = (folder / "whole.qg").read_bytes()
    (folder / "short.qg").write_bytes(graph[: len(graph) // 2])
    (folder / "flipped.qg").write_bytes(
        bytes(byte ^ (0xFF if len(graph) // 3 == i else 0) for i, byte in enumerate(graph))
    )
    (folder / "note.qg").write_text("no graph at all\n")


# Raw frames.


def test_a_data_folder_that_does_not_exist(bench: Bench) -> None:
    bench.refused("butler", "ingest-raws", "repo", "no/such/folder", names="no/such/folder does not exist")
    bench.refused("butler", "ingest-raws", "repo", "raws/truth", names="raws/truth")


def test_the_demonstration_of_a_data_folder_that_does_not_exist(bench: Bench) -> None:
    """`tools/demo` makes an environment first, which the tests have; what it calls is called here."""
    done = subprocess.run(
        [
            sys.executable, str(TOP / "tools" / "demonstration" / "run.py"), "--top", str(TOP),
            "--data", str(bench.folder / "nowhere"), "--output", str(bench.folder / "demo-output"),
        ],
        cwd=bench.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f"demo: there is no folder '{bench.folder}/nowhere' with raw frames.\n"
    assert not (bench.folder / "demo-output").exists()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("short", "is cut short: it has 100000 bytes"),
        ("note", "this is not a FITS file"),
        ("empty", "this is not a FITS file"),
        ("no_instrument", "it has no INSTRUME"),
        ("no_begin", "'DATE-BEG' not found"),
        ("no_exposure", "EXPID"),
        ("bad_time", "exposure_time"),
        ("filter", "Filter 'Q' is not one of SimCam: g, r, none"),
        ("detector", "SimCam has no detector 17"),
    ],
)
def test_a_bad_raw_frame(bench: Bench, name: str, says: str) -> None:
    line = bench.refused("butler", "ingest-raws", "repo", f"spoilt/{name}.fits", names=f"spoilt/{name}.fits: ")
    assert says in line


def test_bad_frames_among_good_ones(bench: Bench, tmp_path: Path) -> None:
    """Each bad one has its line, the good ones are in, and nothing is left of the bad ones."""
    shutil.copytree(bench.folder / "repo", tmp_path / "repo", symlinks=True)
    mixed = tmp_path / "mixed"
    shutil.copytree(bench.folder / "spoilt", mixed)
    shutil.copy(bench.folder / FRAME, mixed)
    before = snapshot(tmp_path / "repo")
    done = bench.run("butler", "ingest-raws", "repo", "mixed", "-t", "copy", cwd=tmp_path, check=False)
    assert done.returncode == 1
    *lines, last = done.stderr.splitlines()
    assert last == "Error: 9 of 10 files could not be ingested; each is named above."
    assert sorted(line.split("mixed/")[1].split(":")[0] for line in lines) == sorted(
        path.name for path in mixed.iterdir() if path.name != FRAME.name
    )
    assert done.stdout == "Ingested 1 raw frame of 1 exposure from 10 files.\n"
    new = [name for name in changes(before, snapshot(tmp_path / "repo")) if not name.startswith("registry.sqlite3")]
    assert [Path(name).suffix for name in new if name.endswith(".fits")] == [".fits"]


def test_frames_that_are_there_already(bench: Bench) -> None:
    frame = str(FRAME).replace("ccd1", "ccd0")
    bench.refused("butler", "ingest-raws", "repo", frame, "--no-skip-existing", names=frame)


# Repositories.


def test_a_repository_that_exists(bench: Bench) -> None:
    bench.refused("butler", "create", "repo", names="'repo' holds a repository already")


def test_a_repository_that_does_not_exist(bench: Bench) -> None:
    for words in (("butler", "ingest-raws", "rep", "raws"), ("pipetask", "run", "-b", "rep", "-g", "whole.qg")):
        bench.refused(*words, names="There is no repository at 'rep'")


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("no-yaml", "this is not YAML"),
        ("text", "butler.yaml must be a mapping"),
        ("unknown-key", "Unknown key 'datastor' in file"),
        ("no-database", "registry.sqlite3"),
        ("cut-database", "registry.sqlite3"),
    ],
)
def test_a_damaged_repository(bench: Bench, kind: str, names: str, tmp_path: Path) -> None:
    repository = tmp_path / "damaged"
    shutil.copytree(bench.folder / "repo", repository, symlinks=True)
    config, database = repository / "butler.yaml", repository / "registry.sqlite3"
    if kind == "no-yaml":
        config.write_text("pachon: [1\n")
    elif kind == "text":
        config.write_text("hello\n")
    elif kind == "unknown-key":
        config.write_text(config.read_text().replace("datastore:", "datastor:"))
    elif kind == "no-database":
        database.unlink()
    else:
        # What is not in the file yet must not mend it.
        sqlite3.connect(database).execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        database.write_bytes(database.read_bytes()[:10_000])
    damaged = Bench(tmp_path, bench.run)
    damaged.refused("butler", "ingest-raws", "damaged", bench.folder / FRAME, names=names)
    if kind in ("text", "cut-database"):
        damaged.refused("pipetask", "run", "-b", "damaged", "-g", bench.folder / "whole.qg", names=names)


@pytest.fixture
def unwritable(bench: Bench) -> Any:
    """Options of a process that may write nowhere but where permissions allow it, and two folders that do not."""
    repository, folder = bench.folder / "locked" / "repo", bench.folder / "locked" / "folder"
    shutil.copytree(bench.folder / "repo", repository, symlinks=True)
    bench(
        "pipetask", "qgraph", "-b", repository, "-p", f"{PIPELINE}#make_bias", "-i", INPUTS, "--output-run", "calib/two",
        "-d", NIGHT, "-q", "locked/whole.qg",
    )  # fmt: skip
    sqlite3.connect(repository / "registry.sqlite3").execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    folder.mkdir()
    places = [path for path in (repository, folder, *repository.rglob("*")) if not path.is_symlink()]
    modes = {path: path.stat().st_mode for path in places}
    for path in places:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        yield {"first": OBEY_PERMISSIONS}
    finally:
        for path, mode in modes.items():
            if path.exists():
                path.chmod(mode)
        shutil.rmtree(bench.folder / "locked")


def test_folders_that_cannot_be_written(bench: Bench, unwritable: Any) -> None:
    for words, names in (
        (("butler", "create", "locked/folder/new"), "locked/folder/new"),
        (("butler", "ingest-raws", "locked/repo", FRAME), "locked/repo/registry.sqlite3"),
        (("butler", "register-instrument", "locked/repo", "nickel"), "locked/repo/registry.sqlite3"),
        (("butler", "simulate-raws", "locked/folder/raws", "--visits", 1), "locked/folder/raws"),
        (("pipetask", "run", "-b", "locked/repo", "-g", "locked/whole.qg"), "locked/repo/registry.sqlite3"),
        (("pipetask", "qgraph", "-b", "repo", "-g", "whole.qg", "-q", "locked/folder/g.qg"), "locked/folder/g.qg"),
    ):
        bench.refused(*words, names=names, **unwritable)


# Pipelines.


@pytest.mark.parametrize(
    ("pipeline", "names"),
    [
        ("no-module.yaml", "there is no module 'pachon.pipe_tasks.tasks.isrr'"),
        ("no-class.yaml", "module 'pachon.pipe_tasks.tasks.isr' has no 'IsrTaskk'. Did you mean 'IsrTask'?"),
        ("no-library.yaml", "there is no module 'no_such_library'"),
        ("cycle.yaml", "The pipeline has a cycle: one -> isr_image -> two -> two_image -> one."),
        ("no-yaml.yaml", "no-yaml.yaml, line 3, column 8"),
        ("nowhere.yaml", "nowhere.yaml"),
        (f"{PIPELINE}#make_bais", "no task or subset 'make_bais'. Did you mean 'make_bias'?"),
    ],
)
def test_a_bad_pipeline(bench: Bench, pipeline: str, names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(bench.folder))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    bench.refused(
        "pipetask", "run", "-b", "repo", "-p", pipeline, "-i", INPUTS, "-o", "u/me", "-d", NIGHT,
        "--register-dataset-types", "-q", "made.qg", names=names,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("-i", "SimCam/raw/al"), "no collection 'SimCam/raw/al'. Did you mean 'SimCam/raw/all'?"),
        (("-i", ""), "--input"),
        (("-i", INPUTS, "-d", "instrment='SimCam'"), "'instrment' is not known. Did you mean 'instrument'?"),
        (("-i", INPUTS, "-d", "exposure.day_ob=20250301"), "no field 'day_ob'. Did you mean 'day_obs'?"),
        (("-i", INPUTS, "-d", "instrument="), "ends too early"),
        (("-i", INPUTS, "-d", "instrument='SimCan'"), "'SimCan'"),
        (("-i", INPUTS, "-d", NIGHT, "-c", "bias:clipp=3"), "no field 'clipp'. Did you mean 'clip'?"),
        (("-i", INPUTS, "-d", NIGHT, "-c", "bias:clip=much"), "'much' is not accepted"),
        (("-i", INPUTS, "-d", NIGHT, "-c", "bais:clip=3"), "'bais'"),
    ],
)
def test_a_bad_run(bench: Bench, options: tuple[str, ...], names: str) -> None:
    bench.refused(
        "pipetask", "run", "-b", "repo", "-p", f"{PIPELINE}#make_bias", "-o", "u/me", "--register-dataset-types",
        "-q", "made.qg", *options, names=names,
    )  # fmt: skip


def test_a_run_that_exists(bench: Bench) -> None:
    common = ("pipetask", "run", "-b", "repo", "-p", f"{PIPELINE}#make_bias", "-i", INPUTS, "-d", NIGHT)
    bench.refused(*common, "--output-run", "calib/one", names="'calib/one' exists already")
    bench.refused(*common, "--output-run", "SimCam/calib/default", names="'SimCam/calib/default'")


@pytest.mark.parametrize(
    ("graph", "names"),
    [
        ("short.qg", "cut short"),
        ("flipped.qg", "checksum"),
        ("note.qg", "no quantum graph"),
        ("none.qg", "does not exist"),
    ],
)
def test_a_bad_graph_file(bench: Bench, graph: str, names: str) -> None:
    assert graph in bench.refused("pipetask", "run", "-b", "repo", "-g", graph, names=names)
    if graph == "short.qg":
        bench.refused("pipetask", "report", "repo", graph, names=names)
        bench.refused("pipetask", "run-qbb", "repo", graph, names=names)


# Collections, datasets and queries.


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("query-datasets", "repo", "raw", "--collections", "SimCam/raw/al"), "Did you mean 'SimCam/raw/all'?"),
        (("query-datasets", "repo", "raw", "--where", "instrment='SimCam'"), "Did you mean 'instrument'?"),
        (("query-data-ids", "repo", "exposur"), "no dimension 'exposur'. Did you mean 'exposure'?"),
        (("register-instrument", "repo", "simcm"), "no instrument 'simcm'"),
        (("define-visits", "repo", "simcm"), "no instrument 'simcm'"),
        (("certify-calibrations", "repo", "calib/one", "calib/new", "biass"), "no dataset type 'biass'"),
        (("certify-calibrations", "repo", "calib/on", "calib/new", "bias"), "no collection 'calib/on'"),
        (("certify-calibrations", "repo", "calib/one", "SimCam/raw/all", "bias"), "'SimCam/raw/all'"),
        (
            ("certify-calibrations", "repo", "calib/one", "SimCam/calib/default", "bias", "--begin-date", "2025-03-04"),
            "overlaps",
        ),
        (
            ("certify-calibrations", "repo", "calib/one", "calib/new", "bias", "--begin-date", "2025-02-30"),
            "'2025-02-30'",
        ),
        (
            (
                *("certify-calibrations", "repo", "calib/one", "calib/new", "bias"),
                *("--begin-date", "2025-03-02", "--end-date", "2025-03-01"),
            ),
            "empty time span",
        ),
        (("collection-chain", "repo", "u/chain", "SimCam/raw/al"), "Did you mean 'SimCam/raw/all'?"),
        (("associate", "repo", "u/tag", "-d", "rw", "--collections", "SimCam/raw/all"), "no dataset type 'rw'"),
        (("remove-runs", "repo", "calib/on", "--no-confirm"), "'calib/on'"),
        (("register-dataset-type", "repo", "thing", "NoSuchClass", "instrument"), "'NoSuchClass'"),
        (("register-dataset-type", "repo", "thing", "StructuredDataDict", "instrumnt"), "Did you mean 'instrument'?"),
        (("simulate-raws", "raws"), "raws is not empty"),
    ],
    ids=lambda value: " ".join(value[:1]) if isinstance(value, tuple) else "",
)
def test_a_bad_command(bench: Bench, words: tuple[str, ...], names: str) -> None:
    bench.refused("butler", *words, names=names)


def test_the_same_data_id_twice(bench: Bench) -> None:
    bench("butler", "register-dataset-type", "repo", "note", "StructuredDataDict", "instrument")
    bench("butler", "ingest-files", "repo", "note", "u/notes", "notes.csv", "-t", "copy")
    bench.refused(
        "butler", "ingest-files", "repo", "note", "u/notes", "notes.csv", "-t", "copy", names="exists already"
    )
    bench.refused(
        "butler", "ingest-files", "repo", "note", "u/other", "other-notes.csv", "-t", "copy", names="nota.yaml"
    )
    bench.refused("butler", "ingest-files", "repo", "nota", "u/other", "notes.csv", "-t", "copy", names="'nota'")


@pytest.mark.parametrize("program", ["butler", "pipetask"])
def test_a_command_that_does_not_exist(bench: Bench, program: str) -> None:
    done = bench.run(program, {"butler": "creat", "pipetask": "rum"}[program], cwd=bench.folder, check=False)
    assert done.returncode == 2
    assert f"Did you mean '{ {'butler': 'create', 'pipetask': 'run'}[program] }'?" in done.stderr
