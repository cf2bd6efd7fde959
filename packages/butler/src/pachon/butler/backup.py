# SPDX-License-Identifier: BSD-3-Clause
"""A copy of the database that is whole, while writers go on; and its way back.

The files of a repository never change, so any copy of the folder will do for them. The database is another matter: its file
cannot be copied while somebody writes. `backup_repository` makes a copy of one state of it, checks that, and puts the
configuration beside. `restore_repository` puts the copy back, and keeps what it replaces.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

from pachon.base import ConflictError, FormatError, InvalidInputError, NotFoundError, StorageError
from pachon.base.hidden_secrets import hide_secrets
from pachon.base.utf8 import decode_text
from pachon.butler.config_writing import make_root_folder, write_config
from pachon.butler.fsck.own_files import REPLACED
from pachon.butler.repository_config import RepositoryConfig
from pachon.butler.repository_location import (
    CONFIG_NAME,
    RepositoryLocation,
    folder_text,
    locate_repository,
    sqlite_file,
)
from pachon.butler.repository_reading import database_url, read_repository
from pachon.butler.session import Session
from pachon.datastore.file_store import checksum_of_file
from pachon.resources import ResourcePath
from pachon.resources.folder_sync import sync_folder
from pachon.resources.local_files import GROUP_FILE, create_file, keep_mode, make_folders

__all__ = ["BACKUP_NAME", "Backup", "Restoration", "backup_repository", "backup_unopened", "restore_repository"]

BACKUP_NAME: Final = "backup.json"
"""The description of a backup, written last: a folder without it is none."""
_DATABASE_NAME: Final = "registry.sqlite3"
_FORMAT: Final = 1
_SUFFIXES: Final = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What ``backup.json`` says."""

    pachon_backup: int
    """Version of the format."""
    made: str
    """When the state of the database was current: UTC, ISO 8601."""
    root: str
    """Where the repository was."""
    database: str
    """Name of the copy of the database, in the same folder."""
    size: int
    checksum: str
    """BLAKE2b of the copy, hexadecimal."""

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the description of a backup.

        Raises
        ------
        NotFoundError
            If the folder holds no backup, or one that was not finished.
        FormatError
            If it cannot be read.
        """
        try:
            content = json.loads((folder / BACKUP_NAME).read_text(encoding="utf-8"))
        except OSError as error:
            raise NotFoundError(
                f"{folder} holds no finished backup: {BACKUP_NAME} cannot be read ({error.strerror})."
            ) from error
        except ValueError as error:
            raise FormatError(f"{folder / BACKUP_NAME} is no JSON: {error}") from error
        version = content.get("pachon_backup") if isinstance(content, dict) else None
        if version != _FORMAT:
            raise FormatError(f"{folder} has a backup of format {version!r}; this pachon reads {_FORMAT}.")
        try:
            backup = cls(**content)
        except TypeError as error:
            raise FormatError(f"{folder / BACKUP_NAME} lacks something, or has too much: {error}") from error
        name: object = backup.database
        if not isinstance(name, str) or not name or Path(name).name != name:
            raise FormatError(f"{folder / BACKUP_NAME} names no file beside it as database: {backup.database!r}")
        return backup

    def check_place(self, location: RepositoryLocation, *, moved: bool) -> None:
        """Refuse a backup of a repository at another place, unless the repository has moved.

        Raises
        ------
        ConflictError
            If the places differ.
        """
        here = folder_text(location.folder)
        if moved or here == self.root or _same_folder(here, self.root):
            return
        raise ConflictError(
            f"This is the backup of the repository at {hide_secrets(self.root)}, not of one at {hide_secrets(here)}. "
            "If that repository has moved here, or this is its copy, say moved=True."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """What `restore_repository` did."""

    database: Path
    """Where the copy was put."""
    replaced: Path | None
    """Where the database that was there is kept now."""
    backup: Backup


def backup_repository(session: Session, destination: str | os.PathLike[str]) -> Backup:
    """Copy the database of a repository, as it is at one moment, with its configuration into a new folder.

    Writers go on meanwhile, and nothing waits for the copy.

    Raises
    ------
    ConflictError
        If the destination holds something.
    InvalidInputError
        If the database is no file: the message says how its server makes a copy. Also if the destination is a URL.
    FormatError
        If the copy is damaged, as then the database is.
    """
    session.check_open()
    repository = session.repository
    return _back_up(repository.location, repository.database_url, destination)


def backup_unopened(root: str | ResourcePath, destination: str | os.PathLike[str]) -> Backup:
    """Do the same as `backup_repository` to a repository that is not open, and need not be one that can be.

    Before a migration the tables are not those of this version of pachon, and just then a backup is wanted.

    Raises
    ------
    RepositoryNotFoundError
        If there is none.
    ConflictError, InvalidInputError, FormatError
        As there. `FormatError` also if the database is no registry.
    """
    location, url, _ = read_repository(root)
    return _back_up(location, url, destination)


def _back_up(location: RepositoryLocation, url: str, destination: str | os.PathLike[str]) -> Backup:
    source = sqlite_file(url)
    if source is None:
        raise InvalidInputError(_server_advice(url, os.fspath(destination)))
    if "://" in os.fspath(destination):
        raise InvalidInputError(f"A backup needs a local folder, not {hide_secrets(os.fspath(destination))}.")
    _check_registry(source.ospath)
    folder = Path(destination).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConflictError(f"{folder} exists and is not empty; a backup needs a new folder.")
    try:
        make_folders(str(folder))
        copy = folder / _DATABASE_NAME
        _copy_database(source.ospath, copy)
        backup = Backup(
            pachon_backup=_FORMAT,
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            root=folder_text(location.folder),
            database=_DATABASE_NAME,
            size=copy.stat().st_size,
            checksum=checksum_of_file(str(copy)),
        )
        _write(folder / CONFIG_NAME, location.config.read())
        _write(folder / BACKUP_NAME, (json.dumps(asdict(backup), indent=2) + "\n").encode())
    except OSError as error:
        raise StorageError(f"The backup cannot be written to {folder}: {error.strerror or error}") from error
    return backup


def restore_repository(
    root: str | ResourcePath, backup_folder: str | os.PathLike[str], *, moved: bool = False
) -> Restoration:
    """Put a backup of the database back; what it replaces is kept beside it. No other process may have the repository open.

    What was stored after the backup is not in the database any more: ``butler fsck`` finds those files.

    Parameters
    ----------
    root
        The repository. Its folder may be lost: then it is made, with the configuration of the backup.
    backup_folder
        What `Butler.backup` made.
    moved
        The repository was at another place when the backup was made, or this is a copy of it.

    Raises
    ------
    NotFoundError, FormatError
        If there is no backup, or it is damaged.
    ConflictError
        If it is of a repository at another place and `moved` is not said; or if another process has the database open.
    """
    folder = Path(backup_folder).absolute()
    backup = Backup.read(folder)
    location = locate_repository(root, must_exist=False)
    backup.check_place(location, moved=moved)
    copy = folder / backup.database
    _check_copy(copy, backup)
    is_new = not location.config.exists()
    content = (folder / CONFIG_NAME).read_bytes() if is_new else location.config.read()
    text = decode_text(content, str(location.config))
    config = RepositoryConfig.from_text(text, str(location.config))
    database = _database_of(location, config)
    if is_new:
        make_root_folder(location.folder, group_writable=config.group_writable)
    replaced = _replace_database(database, copy, group_writable=config.group_writable)
    if is_new:
        write_config(location.config, text, group_writable=config.group_writable)
    return Restoration(database=database, replaced=replaced, backup=backup)


def _replace_database(database: Path, copy: Path, *, group_writable: bool) -> Path | None:
    """Put a copy in the place of a database, and give where that is kept now; if it fails nothing is left of the copy."""
    if database.exists():
        _close_log(database)  # refuses before anything is copied
    part = database.with_name(f".{database.name}.part")
    replaced = None
    try:
        shutil.copyfile(copy, part)
        _sync_file(part)
        if group_writable:
            os.chmod(part, GROUP_FILE)
        if database.exists():
            keep_mode(str(database), str(part))
            replaced = _put_away(database)
        os.replace(part, database)
        sync_folder(str(database.parent))
    except OSError as error:
        raise StorageError(f"The backup cannot be put to {database}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return replaced


def _same_folder(one: str, other: str) -> bool:
    return "://" not in one + other and os.path.realpath(one) == os.path.realpath(other)


def _copy_database(source: str, copy: Path) -> None:
    """Copy one state of a database that others write to."""
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(source)}?mode=ro", uri=True)) as reading,
            closing(sqlite3.connect(copy)) as writing,
        ):
            # All pages in one step: it sees one state, and need not begin again when somebody writes.
            reading.backup(writing, pages=-1)
            answers = [row[0] for row in writing.execute("PRAGMA quick_check(3)")]
    except sqlite3.Error as error:
        raise StorageError(f"The database {source} cannot be copied to {copy}: {error}.") from error
    if answers != ["ok"]:
        raise FormatError(f"The database {source} is damaged ({'; '.join(answers)}); the copy in {copy.parent} is too.")
    _sync_file(copy)


def _check_copy(copy: Path, backup: Backup) -> None:
    try:
        size = copy.stat().st_size
        checksum = checksum_of_file(str(copy))
    except OSError as error:
        raise NotFoundError(f"The backup lacks its database {copy}: {error.strerror}.") from error
    if (size, checksum) != (backup.size, backup.checksum):
        raise FormatError(f"{copy} is not the file that was written: size or checksum differ. Use another backup.")


def _database_of(location: RepositoryLocation, config: RepositoryConfig) -> Path:
    file = sqlite_file(database_url(location, config))
    if file is None:
        raise InvalidInputError(
            f"The database of {location.folder} is on a server; pg_restore brings a copy back that pg_dump made."
        )
    return Path(file.ospath)


def _check_registry(database: str) -> None:
    """Refuse what is no registry of any version, before a folder is made for its copy."""
    if not os.path.exists(database):
        raise NotFoundError(f"There is no database {database}.")
    try:
        with closing(sqlite3.connect(f"file:{quote(database)}?mode=ro", uri=True)) as reading:
            found = reading.execute("SELECT value FROM attribute WHERE name = 'schema_version'").fetchone()
    except sqlite3.Error as error:
        raise FormatError(f"The database {database} cannot be read, or is no registry of pachon: {error}.") from error
    if found is None:
        raise FormatError(f"The database {database} is no registry of pachon: it has no schema version.")


def _put_away(database: Path) -> Path:
    """Rename a database and what belongs to it; refuse if somebody has it open."""
    _close_log(database)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    replaced = database.with_name(f"{database.name}{REPLACED}{stamp}")
    if replaced.exists():
        raise ConflictError(f"{replaced} exists already; wait a second and do it again.")
    # The log goes first. Left beside the restored file, it would be taken for a part of that.
    for suffix in _SUFFIXES:
        with suppress(FileNotFoundError):
            os.rename(f"{database}{suffix}", f"{replaced}{suffix}")
    sync_folder(str(database.parent))
    os.link(database, replaced)
    return replaced


def _close_log(database: Path) -> None:
    """Bring a database into one file, which SQLite does only for one who is alone; a damaged one is taken as it is."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=rw", uri=True, timeout=1)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise ConflictError(
                f"Another process has {database} open; end all that use the repository, and do it again."
            ) from None
    except sqlite3.DatabaseError:
        return  # that is why it is to be replaced


def _write(path: Path, content: bytes) -> None:
    create_file(str(path), content)


def _sync_file(path: Path) -> None:
    with open(path, "rb") as stream:
        os.fsync(stream.fileno())


def _server_advice(url: str, destination: str) -> str:
    import sqlalchemy as sa

    parsed: Any = sa.make_url(url).set(drivername="postgresql", password=None)
    shown = parsed.render_as_string()
    return (
        "The database is on a server, which makes a consistent copy while writers work: "
        f"pg_dump --format=custom --file={destination} '{shown}'. "
        f"It comes back by: pg_restore --clean --if-exists --single-transaction --dbname='{shown}' {destination}; "
        "then run 'butler fsck'."
    )
