# SPDX-License-Identifier: BSD-3-Clause
"""Many files at a time."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pachon.base import InvalidInputError, PachonError
from pachon.resources.resource_path import ResourcePath

__all__ = ["exist_many", "find_files", "remove_many", "worker_count"]

Result = TypeVar("Result")

MOST_WORKERS = 10


def worker_count() -> int:
    """Give the number of threads: ``PACHON_RESOURCES_NUM_WORKERS`` or LSST's variable, else two more than processors."""
    for variable in ("PACHON_RESOURCES_NUM_WORKERS", "LSST_RESOURCES_NUM_WORKERS"):
        text = os.environ.get(variable)
        if text:
            if not text.isdecimal() or int(text) == 0:
                raise InvalidInputError(f"The environment variable {variable} must be a positive number, not {text!r}.")
            return int(text)
    return min((os.cpu_count() or 1) + 2, MOST_WORKERS)


def _each(paths: Sequence[ResourcePath], work: Callable[[ResourcePath], Result]) -> list[Result]:
    if all(path.is_local for path in paths):
        return [work(path) for path in paths]
    with ThreadPoolExecutor(worker_count()) as threads:
        return list(threads.map(work, paths))


def exist_many(paths: Iterable[ResourcePath]) -> dict[ResourcePath, bool]:
    """Tell which files exist; each is asked for once, without its fragment.

    Raises
    ------
    ExceptionGroup
        A storage failed; only a file that is known to be missing is reported so.
    """
    asked = list(paths)
    distinct = list(dict.fromkeys(path.without_fragment() for path in asked))

    def ask(path: ResourcePath) -> bool | PachonError:
        try:
            return path.exists()
        except PachonError as error:
            return error

    answers = dict(zip(distinct, _each(distinct, ask), strict=True))
    errors = [answer for answer in answers.values() if isinstance(answer, PachonError)]
    if errors:
        raise ExceptionGroup("The existence of some files is unknown", errors)
    return {path: answers[path.without_fragment()] is True for path in asked}


def remove_many(paths: Iterable[ResourcePath]) -> dict[ResourcePath, PachonError | None]:
    """Remove files, and give for each what went wrong, or None.

    A file that was missing already gives a `ResourceNotFoundError`, where the storage can tell.
    """
    distinct = list(dict.fromkeys(path.without_fragment() for path in paths))

    def remove(path: ResourcePath) -> PachonError | None:
        try:
            path.remove()
        except PachonError as error:
            return error
        return None

    return dict(zip(distinct, _each(distinct, remove), strict=True))


def find_files(candidates: Iterable[ResourcePath], regex: str | None = None) -> Iterator[ResourcePath]:
    """Give files among a mixture of files and folders.

    Parameters
    ----------
    candidates
        Files, which are given whatever their name, and folders, which are walked.
    regex
        What to search for in the names of files in folders.
    """
    for candidate in candidates:
        if not candidate.isdir():
            yield candidate
            continue
        for folder, _, names in candidate.walk(regex):
            yield from (folder.updated_file(name) for name in names)
