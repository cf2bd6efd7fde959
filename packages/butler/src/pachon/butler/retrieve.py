# SPDX-License-Identifier: BSD-3-Clause
"""Copying the files of datasets out of a repository."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pachon.base import FormatError, InvalidInputError, NotFoundError, progress
from pachon.base.counting import counted
from pachon.butler.argument_kinds import listed_refs
from pachon.butler.errors import RetrievalConflictError, UnstoredDatasetsError
from pachon.butler.get import fetch_file_records
from pachon.butler.repository_location import as_resource
from pachon.butler.session import Session
from pachon.butler.whole_files import check_whole
from pachon.datasets import DatasetRef
from pachon.datastore import Datastore, StoredFile
from pachon.datastore.records import file_part
from pachon.resources import ResourceExistsError, ResourcePath

__all__ = ["INDEX_NAME", "artifact_index", "copy_files", "retrieve"]

_log = logging.getLogger(__name__)

INDEX_NAME: Final = "butler-artifacts.json"
"""File that says what the retrieved files are."""


def retrieve(
    session: Session,
    refs: Iterable[DatasetRef],
    destination: str | ResourcePath,
    *,
    transfer: str = "copy",
    preserve_path: bool = True,
    overwrite: bool = False,
    skip_unstored: bool = False,
) -> list[ResourcePath]:
    """Copy the files of datasets to a folder, with an index; give their new places.

    What was retrieved into that folder before stays in the index.

    Parameters
    ----------
    session
        The open butler.
    refs
        Which datasets; a file that several share is copied once.
    destination
        The folder, made if it does not exist.
    transfer
        ``copy``, or a link; ``move`` would take the files away and is refused.
    preserve_path
        Keep the folders of the repository; otherwise all files lie in one folder, and equal names are an error.
    overwrite
        Replace files that are there.
    skip_unstored
        Leave out datasets that are not stored; otherwise nothing is copied if there are any.

    Raises
    ------
    InvalidInputError
        If the mode is ``move`` or ``direct``, a path leads out of the destination, or that is the root of the repository's files.
    RetrievalConflictError
        If two files would have one name.
    UnstoredDatasetsError
        If datasets are not stored, and ``skip_unstored`` is not set.
    FileIntegrityError
        If a file is not the one that was written; then nothing is copied.
    """
    session.check_open()
    wanted = listed_refs(refs)
    rows = list(fetch_file_records(session, wanted).rows())
    stored = {row.dataset_id for row in rows}
    unstored = [ref for ref in wanted if ref.id not in stored]
    if unstored and not skip_unstored:
        raise UnstoredDatasetsError(len(unstored), len(wanted), str(unstored[0]))
    if unstored:
        _log.warning("%s not stored, and left out.", counted(len(unstored), "dataset is", "datasets are"))
        wanted = [ref for ref in wanted if ref.id in stored]
    return copy_files(
        session.datastore,
        wanted,
        rows,
        destination,
        transfer=transfer,
        preserve_path=preserve_path,
        overwrite=overwrite,
    )


def copy_files(
    datastore: Datastore,
    refs: list[DatasetRef],
    rows: list[StoredFile],
    destination: str | ResourcePath,
    *,
    transfer: str = "copy",
    preserve_path: bool = True,
    overwrite: bool = False,
) -> list[ResourcePath]:
    """Do what `retrieve` does for datasets whose file records are at hand."""
    if transfer in ("move", "direct"):
        raise InvalidInputError(f"Files are not retrieved by {transfer!r}; use copy or a link.")
    folder = ResourcePath(as_resource(destination), force_directory=True)
    targets = _targets(rows, preserve_path=preserve_path)
    index = _merged(folder.join(INDEX_NAME), _index(refs, targets))
    _check_apart(datastore, folder, targets)
    check_whole(datastore, {ref.id: ref for ref in refs}, rows)
    folder.mkdir()
    places: list[ResourcePath] = []
    with progress("Retrieving", total=len(targets)) as bar:
        for path, (row, _) in targets.items():
            target = _below(folder, path)
            try:
                target.transfer_from(datastore.uri(row).without_fragment(), transfer, overwrite=overwrite)
            except ResourceExistsError as error:
                error.add_note("overwrite=True replaces files.")
                raise
            places.append(target)
            bar.advance()
    folder.join(INDEX_NAME).write(json.dumps(index, indent=1).encode(), overwrite=True)
    return places


def _check_apart(
    datastore: Datastore, folder: ResourcePath, targets: Mapping[str, tuple[StoredFile, list[StoredFile]]]
) -> None:
    """Refuse to put files where they are: a link would replace what it is to point to."""
    for path, (row, _) in targets.items():
        source, target = datastore.uri(row).without_fragment(), _below(folder, path)
        same = source == target
        if not same and source.is_local and target.is_local:
            with contextlib.suppress(OSError):
                same = os.path.samefile(os.path.dirname(source.ospath), os.path.dirname(target.ospath))
                same = same and source.basename() == target.basename()
        if same:
            raise InvalidInputError(f"{folder.shown} is where the repository has its files; choose another folder.")


def _merged(place: ResourcePath, new: dict[str, Any]) -> dict[str, Any]:
    """Add the entries of the index that an earlier retrieval into the same folder has left.

    Raises
    ------
    FormatError
        If there is a file of that name which is no such index.
    """
    try:
        old = json.loads(place.read())
    except NotFoundError:
        return new
    except ValueError as error:
        raise FormatError(f"{place.shown} is no index of retrieved files ({error}); choose another folder.") from error
    files = old.get("files") if isinstance(old, dict) and old.get("version") == new["version"] else None
    if not isinstance(files, dict):
        raise FormatError(f"{place.shown} is no index of retrieved files that is known here; choose another folder.")
    return {**new, "files": files | new["files"]}


def _below(folder: ResourcePath, path: str) -> ResourcePath:
    """Give the place of a recorded path below another folder; ``#``, ``%`` and ``~`` are plain characters of it."""
    if ".." in path.split("/"):
        raise InvalidInputError(f"The path {path!r} leads out of {folder.shown}.")
    return folder.updated_file(path)


def artifact_index(refs: list[DatasetRef], rows: list[StoredFile], *, preserve_path: bool = True) -> bytes:
    """Give the index that says what retrieved files are, as JSON."""
    return json.dumps(_index(refs, _targets(rows, preserve_path=preserve_path)), indent=1).encode()


def _targets(rows: list[StoredFile], *, preserve_path: bool) -> dict[str, tuple[StoredFile, list[StoredFile]]]:
    """Give for each target path a row of its file, and all rows of it."""
    targets: dict[str, tuple[StoredFile, list[StoredFile]]] = {}
    for row in rows:
        file = file_part(row.path)
        path = file if row.owned else ResourcePath(file).unquoted_path.lstrip("/")
        name = path if preserve_path else path.rpartition("/")[2]
        first, shared = targets.setdefault(name, (row, []))
        if file_part(first.path) != file:
            raise RetrievalConflictError(name, (first.path, row.path))
        shared.append(row)
    return targets


def _index(refs: list[DatasetRef], targets: Mapping[str, tuple[StoredFile, list[StoredFile]]]) -> dict[str, Any]:
    known = {ref.id: ref for ref in refs}
    return {
        "version": 1,
        "files": {path: [_describe(known[row.dataset_id], row) for row in rows] for path, (_, rows) in targets.items()},
    }


def _describe(ref: DatasetRef, row: StoredFile) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": str(ref.id),
        "dataset_type": ref.dataset_type.parent_name,
        "data_id": dict(ref.data_id.required),
        "run": ref.run,
        "formatter": row.formatter,
        "storage_class": row.storage_class,
        "size": row.size,
        "checksum": row.checksum,
    }
    if row.component is not None:
        described["component"] = row.component
    return described
