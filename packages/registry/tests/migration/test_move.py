# SPDX-License-Identifier: BSD-3-Clause
"""Moving a registry between databases: everything arrives with its ids, and the old one is out of use."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from pachon.base import ConflictError, InvalidInputError, PachonError
from pachon.datasets import DatasetRef
from pachon.registry import DatabaseBusyError, SchemaVersionError, SqlRegistry
from pachon.registry.migration import copying, move
from pachon.registry.migration.move import move_registry
from pachon.registry.testing.postgresql import PostgresServer
from pachon.registry.testing.samples import describe_registry, fill_sample
from pachon.registry.testing.universes import fibre_universe

NewUrl = Callable[[str], str]


@pytest.fixture
def new_url(tmp_path: Path, postgres_server: PostgresServer) -> NewUrl:
    numbers = itertools.count()

    def make(kind: str) -> str:
        return postgres_server.new_url() if kind == "postgresql" else f"sqlite:///{tmp_path}/{next(numbers)}.sqlite3"

    return make


def create(url: str) -> dict[str, object]:
    with SqlRegistry.create(url, fibre_universe()) as registry:
        fill_sample(registry)
        # The last number is given and taken back: it must not be given again.
        registry.collections.register("short-lived")
        registry.collections.remove("short-lived")
        return describe_registry(registry)


def numbers(url: str) -> list[tuple[str, int]]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT name, collection_id FROM collection ORDER BY collection_id")).all()
    engine.dispose()
    return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize(
    ("start", "end"),
    [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("sqlite", "sqlite"), ("postgresql", "postgresql")],
)
def test_everything_arrives(new_url: NewUrl, start: str, end: str) -> None:
    source, target = new_url(start), new_url(end)
    before = create(source)
    ids = numbers(source)
    with SqlRegistry.open(source, writeable=True) as writer, SqlRegistry.open(source) as reader:
        report = move_registry(source, target)
        assert describe_registry(reader) == before
        with pytest.raises(SchemaVersionError, match="was moved to") as caught:
            writer.collections.register("late")
        assert report.place in str(caught.value)
    with pytest.raises(SchemaVersionError, match="was moved to"):
        SqlRegistry.open(source)
    assert report.rows["dataset"] == 4
    assert report.rows["records_sample_note"] == 4
    assert numbers(target) == ids
    with SqlRegistry.open(target, writeable=True) as registry:
        assert describe_registry(registry) == before
        registry.collections.register("new")
        assert registry.collections.get("new").name == "new"
        ref = DatasetRef(registry.dataset_types.get("log"), {}, "new")
        registry.datasets.insert([ref])
    assert numbers(target)[-1] == ("new", ids[-1][1] + 2)
    # References are checked there as in a database that was made new.
    fresh = new_url(end)
    SqlRegistry.create(fresh, fibre_universe()).close()
    assert references(target) >= references(fresh)


def references(url: str) -> set[tuple[str, str, str]]:
    engine = sa.create_engine(url)
    inspector = sa.inspect(engine)
    found = {
        (table, str(key["name"]), key["referred_table"])
        for table in inspector.get_table_names()
        for key in inspector.get_foreign_keys(table)
    }
    engine.dispose()
    return found


def test_back_again(new_url: NewUrl) -> None:
    first, second, third = new_url("sqlite"), new_url("postgresql"), new_url("sqlite")
    before = create(first)
    move_registry(first, second)
    move_registry(second, third)
    with SqlRegistry.open(third) as registry:
        assert describe_registry(registry) == before


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_target_that_is_in_use(new_url: NewUrl, tmp_path: Path, kind: str) -> None:
    source, target = f"sqlite:///{tmp_path}/source.sqlite3", new_url(kind)
    create(source)
    create(target)
    with pytest.raises(ConflictError, match="not empty"):
        move_registry(source, target)
    with pytest.raises(InvalidInputError, match="already"):
        move_registry(source, source)
    for url in (source, target):
        with SqlRegistry.open(url, writeable=True) as registry:
            assert registry.collections.register("new")


def test_targets_that_cannot_be(new_url: NewUrl, tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path}/source.sqlite3"
    before = create(source)
    for target in (
        f"sqlite:///{tmp_path}/no/such.sqlite3",
        "mysql://x/y",
        "postgresql://127.0.0.1:1/none",
        "nonsense",
        "sqlite://",
    ):
        with pytest.raises(PachonError):
            move_registry(source, target)
    with SqlRegistry.open(source, writeable=True) as registry:
        assert describe_registry(registry) == before
        assert registry.collections.register("new")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_copy_that_differs_is_not_used(
    new_url: NewUrl, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = f"sqlite:///{tmp_path}/source.sqlite3", new_url(kind)
    before = create(source)
    with monkeypatch.context() as patch:
        insert = copying.insert_columns

        def lose_a_row(connection: sa.Connection, table: sa.Table, columns: dict[str, list[object]]) -> None:
            insert(connection, table, {n: v[1:] if table.name == "dataset" else v for n, v in columns.items()})

        patch.setattr(copying, "insert_columns", lose_a_row)
        with pytest.raises(PachonError):
            move_registry(source, target)
    with SqlRegistry.open(source, writeable=True) as registry:
        assert registry.collections.register("new")
        registry.collections.remove("new")
    move_registry(source, target)
    with SqlRegistry.open(target) as registry:
        assert describe_registry(registry) == before


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("step", ["copied", "left"])
def test_a_move_that_is_cut_off_is_done_by_the_next(
    new_url: NewUrl, tmp_path: Path, kind: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = f"sqlite:///{tmp_path}/source.sqlite3", new_url(kind)
    before = create(source)
    with monkeypatch.context() as patch:
        if step == "copied":  # the target is committed, the source is not
            mark = move._set_attribute

            def cut(connection: sa.Connection, name: str, value: str) -> None:
                if name == "moved_to":
                    raise _Killed
                mark(connection, name, value)

            patch.setattr(move, "_set_attribute", cut)
        else:  # both are committed, and the caller knows nothing of it
            open_ = move.Database.open

            def cut_open(url: str, **options: bool) -> object:
                if not options and "collection" in sa.inspect(sa.create_engine(target)).get_table_names():
                    raise _Killed
                return open_(url, **options)

            patch.setattr(move.Database, "open", cut_open)
        with pytest.raises(_Killed):
            move_registry(source, target)
    if step == "copied":
        with SqlRegistry.open(source, writeable=True) as registry:
            assert registry.collections.register("between")
    report = move_registry(source, target)
    assert bool(report.rows) == (step == "copied")
    with SqlRegistry.open(target, writeable=True) as registry:
        if step == "copied":
            registry.collections.remove("between")
        assert describe_registry(registry) == before
    with pytest.raises(PachonError):
        move_registry(source, new_url("sqlite"))


def test_writers_are_waited_for(new_url: NewUrl, tmp_path: Path) -> None:
    source = f"sqlite:///{tmp_path}/source.sqlite3"
    create(source)
    with SqlRegistry.open(source, writeable=True) as writer, writer.write():
        writer.collections.register("x")
        with pytest.raises(DatabaseBusyError):
            move_registry(source, new_url("postgresql"), lock_timeout=0.2)


def test_what_the_other_database_cannot_hold(new_url: NewUrl, tmp_path: Path) -> None:
    source, target = f"sqlite:///{tmp_path}/source.sqlite3", new_url("postgresql")
    with SqlRegistry.create(source, fibre_universe()) as registry:
        registry.collections.register("run", doc="ab")
    engine = sa.create_engine(source)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE collection SET doc = :doc"), {"doc": "a\0b"})
    engine.dispose()
    with pytest.raises(PachonError):
        move_registry(source, target)
    with SqlRegistry.open(source, writeable=True) as registry:
        registry.collections.set_doc("run", "ab")
    move_registry(source, target)


def test_digests_do_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    contents = []
    for name, rows in (("a", (1, 2)), ("b", (2, 1)), ("c", (1, 1))):
        engine = sa.create_engine(f"sqlite:///{tmp_path}/{name}")
        table = sa.Table("t", sa.MetaData(), sa.Column("x", sa.Integer))
        with engine.begin() as connection:
            table.create(connection)
            connection.execute(sa.insert(table), [{"x": x} for x in rows])
            contents.append(copying.content_of(connection, table, _NoBar()))
        engine.dispose()
    assert contents[0] == contents[1] != contents[2]


class _NoBar:
    def advance(self, count: float = 1) -> None: ...
    def describe(self, text: str) -> None: ...
