# SPDX-License-Identifier: BSD-3-Clause
"""Schema versions: steps in one transaction, whatever interrupts them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from pachon.base import ConflictError, PachonError
from pachon.registry import DatabaseBusyError, SchemaVersionError, SqlRegistry
from pachon.registry.migration.migrate import MigrationReport, migrate
from pachon.registry.migration.revisions import known_revisions, pending_revisions
from pachon.registry.schema.guard import SCHEMA_VERSION
from pachon.registry.testing.migration_steps import AddColumn, Fail, MakeTablesAnew, Orphan
from pachon.registry.testing.postgresql import PostgresServer
from pachon.registry.testing.sample_data import SampleData
from pachon.registry.testing.samples import describe_registry, fill_sample, load_sample
from pachon.registry.testing.tables import describe_tables
from pachon.registry.testing.universes import fibre_universe

DATA = Path(__file__).parents[1] / "data"
SAMPLES = sorted(DATA.glob("registry-*.sql"))


@pytest.fixture
def filled(any_url: str) -> str:
    with SqlRegistry.create(any_url) as registry:
        sample = SampleData(registry)
        sample.put(sample.raw, "one", exposure=1, detector=1)
        registry.collections.set_chain("chain", ["one", "two"])
    return any_url


def query(url: str, text: str) -> list[tuple[object, ...]]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.exec_driver_sql(text)]
    engine.dispose()
    return rows


def version(url: str) -> int:
    return int(str(query(url, "SELECT value FROM attribute WHERE name = 'schema_version'")[0][0]))


def ahead(url: str, *steps: type, dry_run: bool = False, lock_timeout: float = 60.0) -> MigrationReport:
    """Migrate beyond the present version."""
    revisions = [step() for step in steps]
    wanted = SCHEMA_VERSION + len(steps)
    return migrate(url, revisions=revisions, version=wanted, dry_run=dry_run, lock_timeout=lock_timeout)


def test_steps_lead_from_every_version_to_this_one() -> None:
    assert [int(step.revision) for step in pending_revisions(1, known_revisions(), SCHEMA_VERSION)] == list(
        range(2, SCHEMA_VERSION + 1)
    )
    assert {path.stem for path in SAMPLES} == {
        f"registry-{number}-{kind}" for number in range(1, SCHEMA_VERSION + 1) for kind in ("sqlite", "postgresql")
    }


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_of_all_versions_are_migrated_and_read(
    path: Path, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    number, kind = path.stem.split("-")[1:]
    url, fresh = (
        postgres_server.new_url() if kind == "postgresql" else f"sqlite:///{tmp_path}/{name}.sqlite3"
        for name in ("old", "new")
    )
    load_sample(path, url)
    if int(number) < SCHEMA_VERSION:
        with pytest.raises(SchemaVersionError, match="butler migrate"):
            SqlRegistry.open(url)
    report = migrate(url)
    assert (report.from_version, report.to_version) == (int(number), SCHEMA_VERSION)
    assert len(report.steps) == SCHEMA_VERSION - int(number)
    with SqlRegistry.open(url, writeable=True) as registry:
        assert describe_registry(registry) == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        assert registry.collections.register("new")
        assert not registry.collections.get("run/1").sealed
    with SqlRegistry.create(fresh, fibre_universe()) as registry:
        fill_sample(registry)
    assert describe_tables(url) == describe_tables(fresh)


def test_nothing_to_do(filled: str) -> None:
    report = migrate(filled)
    assert report.steps == ()
    assert report.from_version == report.to_version == SCHEMA_VERSION


def test_steps(filled: str) -> None:
    report = ahead(filled, AddColumn, MakeTablesAnew)
    assert [step.title for step in report.steps] == [
        "Collections have owners.",
        "Names of dataset types are longer, and the children of chains have notes.",
    ]
    assert all(step.statements for step in report.steps)
    assert version(filled) == SCHEMA_VERSION + 2
    assert query(filled, "SELECT DISTINCT owner FROM collection") == [("nobody",)]
    assert query(filled, "SELECT count(*), count(note) FROM dataset_type") == [(3, 0)]
    # What refers to a table that was made anew is still there.
    assert query(filled, "SELECT count(*) FROM dataset") == [(1,)]
    assert query(filled, "SELECT place, note FROM collection_child ORDER BY place") == [(0, None), (1, None)]
    with pytest.raises(SchemaVersionError, match=f"schema version {SCHEMA_VERSION + 2}; .* Use a newer pachon"):
        SqlRegistry.open(filled)
    with pytest.raises(SchemaVersionError, match="Use a newer pachon"):
        migrate(filled)


def test_references_hold_after_a_table_was_made_anew(filled: str) -> None:
    ahead(filled, AddColumn, MakeTablesAnew)
    engine = sa.create_engine(filled)
    inspector = sa.inspect(engine)
    if engine.dialect.name == "sqlite":
        assert {key["referred_table"] for key in inspector.get_foreign_keys("dataset")} == {
            "dataset_type",
            "collection",
        }
    assert {key["referred_table"] for key in inspector.get_foreign_keys("dataset_type")} == {"dimension_group"}
    assert inspector.get_unique_constraints("dataset_type")
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            assert connection.exec_driver_sql("PRAGMA integrity_check").all() == [("ok",)]
    engine.dispose()


def test_rehearsal(filled: str) -> None:
    report = ahead(filled, AddColumn, MakeTablesAnew, dry_run=True)
    assert any("owner" in statement for statement in report.steps[0].statements)
    assert version(filled) == SCHEMA_VERSION
    with SqlRegistry.open(filled, writeable=True) as registry:
        assert registry.collections.register("new")
    done = ahead(filled, AddColumn, MakeTablesAnew)
    assert [(s.title, len(s.statements)) for s in done.steps] == [(s.title, len(s.statements)) for s in report.steps]


@pytest.mark.parametrize("steps", [(AddColumn, Fail), (Orphan,)])
def test_a_step_that_fails_leaves_everything(filled: str, steps: tuple[type, ...]) -> None:
    with pytest.raises(PachonError):
        ahead(filled, *steps)
    assert version(filled) == SCHEMA_VERSION
    with SqlRegistry.open(filled, writeable=True) as registry:
        assert registry.collections.register("new")
        assert len(registry.query.datasets("raw", "one")) == 1


_SLOW = """
import time
from pachon.registry.migration.migrate import migrate
from pachon.registry.testing.migration_steps import AddColumn, MakeTablesAnew
class Slow(MakeTablesAnew):
    def upgrade(self):
        super().upgrade()
        print("half", flush=True)
        time.sleep(60)
migrate({url!r}, revisions=[AddColumn(), Slow()], version=int(Slow.revision))
"""


def test_a_process_that_is_killed_leaves_everything(filled: str) -> None:
    code = _SLOW.format(url=filled)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    if filled.startswith("sqlite"):  # on PostgreSQL readers of these tables wait
        with SqlRegistry.open(filled) as reader:
            assert len(reader.query.datasets("raw", "one")) == 1
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert version(filled) == SCHEMA_VERSION
    with SqlRegistry.open(filled, writeable=True) as registry:
        assert registry.collections.register("new")
        assert len(registry.query.datasets("raw", "one")) == 1
    assert len(ahead(filled, AddColumn, MakeTablesAnew).steps) == 2


def test_two_at_once(filled: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(lambda _: ahead(filled, AddColumn, MakeTablesAnew), range(3)))
    assert sorted(len(report.steps) for report in reports) == [0, 0, 2]
    assert version(filled) == SCHEMA_VERSION + 2


def test_a_migration_waits_for_a_transaction_and_the_next_one_is_refused(filled: str) -> None:
    with SqlRegistry.open(filled, writeable=True) as writer:
        inside, done = threading.Event(), threading.Event()

        def write() -> None:
            with writer.write():
                writer.collections.register("in time")
                inside.set()
                done.wait(30)

        thread = threading.Thread(target=write)
        thread.start()
        assert inside.wait(30)
        started = time.monotonic()
        with pytest.raises(DatabaseBusyError, match="writing"):
            ahead(filled, AddColumn, lock_timeout=0.3)
        assert time.monotonic() - started < 20
        with ThreadPoolExecutor(1) as pool:
            migrated = pool.submit(ahead, filled, AddColumn)
            time.sleep(0.2)
            assert not migrated.done()
            done.set()
            assert len(migrated.result(60).steps) == 1
        thread.join()
        with pytest.raises(SchemaVersionError, match="newer"):
            writer.collections.register("too late")
    names = {name for (name,) in query(filled, "SELECT name FROM collection")}
    assert "in time" in names
    assert "too late" not in names


def test_a_registry_that_was_moved(filled: str) -> None:
    engine = sa.create_engine(filled)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO attribute (name, value) VALUES ('moved_to', 'elsewhere')")
    engine.dispose()
    with pytest.raises(ConflictError, match="moved to elsewhere"):
        migrate(filled)
