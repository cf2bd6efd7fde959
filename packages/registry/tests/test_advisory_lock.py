# SPDX-License-Identifier: BSD-3-Clause
"""A lock of all clients of a database, which some share and others wait for."""

import os
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pachon.registry import DatabaseBusyError, DatabaseError, SqlRegistry
from pachon.registry.database.advisory_lock import advisory_lock


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return (
        f"sqlite:///{tmp_path}/registry.sqlite3"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgres_url"))
    )


@pytest.fixture
def registries(url: str) -> Iterator[tuple[SqlRegistry, SqlRegistry]]:
    """Two clients."""
    with SqlRegistry.create(url) as one, SqlRegistry.open(url, writeable=True) as two:
        yield one, two


def test_who_waits_goes_on_when_all_have_ended(registries: tuple[SqlRegistry, SqlRegistry]) -> None:
    one, two = (registry.advisory_lock("work") for registry in registries)
    one.wait()
    over = threading.Event()
    waiter = threading.Thread(target=lambda: (one.wait(), over.set()))
    with two.share():
        with one.share():
            waiter.start()
            assert not over.wait(0.3)
        assert not over.wait(0.3)
    assert over.wait(10)
    waiter.join()
    one.wait()


def test_nobody_is_kept_from_other_locks_or_from_the_rows(registries: tuple[SqlRegistry, SqlRegistry]) -> None:
    one, two = registries
    with one.advisory_lock("work").share():
        two.advisory_lock("other").wait()
        assert two.collections.register("run")
        assert one.collections.query() == ["run"]
        with one.write(), two.advisory_lock("work").share():
            pass
    with pytest.raises(ZeroDivisionError), one.advisory_lock("work").share():
        raise ZeroDivisionError
    two.advisory_lock("work").wait()


def test_a_lock_goes_with_its_process(registries: tuple[SqlRegistry, SqlRegistry], url: str) -> None:
    ready, done = os.pipe()
    child = os.fork()
    if not child:
        try:
            with SqlRegistry.open(url, writeable=True) as mine, mine.advisory_lock("work").share():
                os.write(done, b"x")
                time.sleep(60)
        finally:
            os._exit(1)
    assert os.read(ready, 1) == b"x"
    over = threading.Event()
    waiter = threading.Thread(target=lambda: (registries[0].advisory_lock("work").wait(), over.set()))
    waiter.start()
    assert not over.wait(0.3)
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert over.wait(20)
    waiter.join()


def test_who_waits_has_a_turn_among_many_who_share_without_a_pause(
    registries: tuple[SqlRegistry, SqlRegistry],
) -> None:
    over = threading.Event()
    inside = threading.Semaphore(0)

    def share(registry: SqlRegistry) -> None:
        while not over.is_set():
            with registry.advisory_lock("work").share():
                inside.release()
                time.sleep(0.02)

    sharers = [threading.Thread(target=share, args=(registry,)) for registry in registries for _ in range(2)]
    for sharer in sharers:
        sharer.start()
    try:
        for _ in range(8):
            assert inside.acquire(timeout=10)
        waiter = threading.Thread(target=lambda: (registries[0].advisory_lock("work").wait(), over.set()))
        waiter.start()
        assert over.wait(10)
    finally:
        over.set()
        for sharer in sharers:
            sharer.join()
    waiter.join()


def test_a_process_that_is_forked_meanwhile_does_not_keep_the_lock(registries: tuple[SqlRegistry, SqlRegistry]) -> None:
    hold, end = os.pipe()
    with registries[0].advisory_lock("work").share():
        child = os.fork()
        if not child:
            os.close(end)
            os.read(hold, 1)
            os._exit(0)
    over = threading.Event()
    waiter = threading.Thread(target=lambda: (registries[1].advisory_lock("work").wait(), over.set()))
    waiter.start()
    try:
        assert over.wait(10)
    finally:
        os.close(hold)
        os.close(end)
        os.waitpid(child, 0)
        waiter.join()


def test_who_waits_for_long_gives_up(tmp_path: Path) -> None:
    database = tmp_path / "a.sqlite3"
    database.touch()
    lock = advisory_lock(sa.create_engine(f"sqlite:///{database}"), "work", timeout=0.1)
    with lock.share(), pytest.raises(DatabaseBusyError, match=r"sqlite3-work locked for 0\.1 s"):
        lock.wait()


def test_the_file_has_the_mode_of_the_database(tmp_path: Path) -> None:
    database = tmp_path / "a.sqlite3"
    database.touch()
    database.chmod(0o664)
    before = os.umask(0o077)
    try:
        with advisory_lock(sa.create_engine(f"sqlite:///{database}"), "work", timeout=1.0).share():
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.sqlite3-work").stat().st_mode) == 0o664


def test_the_file_is_the_same_by_a_link_and_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.sqlite3").touch()
    (tmp_path / "link.sqlite3").symlink_to("a.sqlite3")
    monkeypatch.chdir(tmp_path)
    lock, other = (
        advisory_lock(sa.create_engine(f"sqlite:///{n}.sqlite3"), "work", timeout=0.1) for n in ("a", "link")
    )
    monkeypatch.chdir("/")
    with lock.share(), pytest.raises(DatabaseBusyError):
        other.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be other users")
@pytest.mark.parametrize(("first", "then"), [(0o660, 0o660), (0o644, 0o664)])
def test_who_may_write_to_the_database_may_lock(first: int, then: int) -> None:
    """Be it by its group, which is not that of who locked first, or by a mode that it got later."""
    user, group = 54321, 54322
    # Not below a folder of the tests' own, which others may not enter.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        database = Path(folder, "a.sqlite3")
        database.touch()
        try:
            os.chown(database, -1, group)
        except OSError:
            pytest.skip("there are no other users here")
        database.chmod(first)
        lock = advisory_lock(sa.create_engine(f"sqlite:///{database}"), "work", timeout=1.0)
        with lock.share():
            pass
        lock.wait()
        database.chmod(then)
        child = os.fork()
        if not child:
            code = 3
            try:
                os.setgroups([])
                os.setgid(group)
                os.setuid(user)
                database.open("r+b").close()
                code = 1
                with lock.share():
                    pass
                lock.wait()
                code = 0
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == 3:
            pytest.skip("there are no other users here, or they cannot enter /tmp")
        assert code == 0


def test_a_file_that_cannot_be_made(tmp_path: Path) -> None:
    lock = advisory_lock(sa.create_engine(f"sqlite:///{tmp_path}/gone/a.sqlite3"), "work", timeout=1.0)
    lock.wait()
    with pytest.raises(DatabaseError, match="cannot be opened: No such file or directory"), lock.share():
        pass
