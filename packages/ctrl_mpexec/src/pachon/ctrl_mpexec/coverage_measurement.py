# SPDX-License-Identifier: BSD-3-Clause
"""Test coverage of tasks that a command runs, in its own process and in workers."""

from __future__ import annotations

import contextlib
import glob
import importlib
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pachon.base import InvalidInputError

__all__ = ["CoverageSettings", "coverage_settings", "measured_coverage", "start_worker_coverage"]

_log = logging.getLogger("pachon.ctrl_mpexec")


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageSettings:
    """What a worker is told of the measurement that goes on."""

    packages: tuple[str, ...]
    data_file: str
    """Absolute path of the command's own data; a worker writes beside it."""
    mark: str
    """What the names of the workers' files have in common, and those of another program's have not."""


_current: CoverageSettings | None = None


def coverage_settings() -> CoverageSettings | None:
    """Give the measurement that goes on in this process, if there is one."""
    return _current


@contextlib.contextmanager
def measured_coverage(options: Mapping[str, Any]) -> Iterator[None]:
    """Measure test coverage, if that is asked for, also in the workers that are started meanwhile.

    Raises
    ------
    InvalidInputError
        If the package ``coverage`` is not installed.
    """
    global _current
    if not options["coverage"]:
        yield
        return
    settings = CoverageSettings(
        packages=tuple(options["cov_packages"]), data_file=os.path.abspath(".coverage"), mark=secrets.token_hex(8)
    )
    measurement = _make(settings)
    # What an earlier command measured is not this one's.
    measurement.erase()
    measurement.start()
    _current = settings
    try:
        yield
    finally:
        _current = None
        measurement.stop()
        measurement.save()
        # Not the folder: other programs that measure leave files there too.
        if parts := glob.glob(f"{glob.escape(settings.data_file)}.{settings.mark}.*"):
            measurement.combine(parts)
            measurement.save()
        if options["cov_report"]:
            _write_report(measurement)


def start_worker_coverage(settings: CoverageSettings) -> Callable[[], None]:
    """Begin to measure in a worker; give what is to be called after each quantum, as a worker may be ended at any moment."""
    measurement = _make(settings, data_suffix=f"{settings.mark}.{os.getpid()}")
    measurement.start()

    def save() -> None:
        measurement.save()

    return save


def _make(settings: CoverageSettings, **more: Any) -> Any:
    try:
        coverage = importlib.import_module("coverage")
    except ImportError:
        raise InvalidInputError(
            "--coverage needs the package 'coverage': pip install 'pachon-ctrl-mpexec[coverage]'."
        ) from None
    # No configuration file: one that lies around is about something else.
    measurement = coverage.Coverage(
        data_file=settings.data_file,
        source=list(settings.packages) or None,
        concurrency=["thread"],
        config_file=False,
        messages=False,
        **more,
    )
    # With workers the command itself runs no task, and of packages that are loaded already what follows is what counts.
    measurement.set_option("run:disable_warnings", ["no-data-collected", "module-not-measured"])
    return measurement


def _write_report(measurement: Any) -> None:
    try:
        measurement.html_report(directory="covhtml")
    except importlib.import_module("coverage").CoverageException as error:
        _log.warning("There is no report of the coverage: %s", error)
        return
    _log.info("The coverage is in the folder covhtml.")
