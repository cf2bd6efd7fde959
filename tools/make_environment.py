# SPDX-License-Identifier: BSD-3-Clause
"""Make an environment of the workspace with venv and pip, from the table that hatch reads.

usage: make_environment.py CHECKOUT NAME        (through tools/environment)

Uses the standard library only. The environment is made again when the Python that it was made with or the checkout has moved,
and refreshed when a pyproject.toml has changed. What pip knows of indexes and certificates is the user's own configuration.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# hatchling builds our packages; some of the libraries come as sources that want setuptools.
BUILD_TOOLS = ["hatchling>=1.26", "editables>=0.5", "setuptools>=77", "wheel>=0.45"]


def say(text: str) -> None:
    print(f"environment: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Let two programs that want the environment at the same time wait for each other."""
    import fcntl

    folder.mkdir(exist_ok=True)
    with open(folder / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fingerprint(top: Path, table: dict[str, Any]) -> str:
    """Give a text that changes when the environment must."""
    digest = hashlib.sha256(repr((str(top), sys.version, table)).encode())
    for member in table.get("workspace", {}).get("members", []):
        digest.update((top / member["path"] / "pyproject.toml").read_bytes())
    return digest.hexdigest()


def run_pip(python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout)
        say(
            f"pip failed (exit {done.returncode}); nothing else was done. Run the same command again when that is mended."
        )
        sys.exit(1)


def main() -> None:
    top, name = Path(sys.argv[1]), sys.argv[2]
    tables = tomllib.loads((top / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["envs"]
    if name not in tables:
        say(f"there is no environment {name!r} in pyproject.toml; there are {', '.join(tables)}.")
        sys.exit(2)
    table = tables[name]
    for member in table.get("workspace", {}).get("members", []):
        if not (top / member["path"] / "pyproject.toml").is_file():
            say(f"pyproject.toml lists {member['path']}, which holds no package.")
            sys.exit(2)
    folder = top / table.get("path", f".environments/{name}")
    python, stamp = folder / "bin" / "python", folder / "pachon-fingerprint"
    with only_one(top / ".environments"):
        wanted = fingerprint(top, table)
        if not stamp.is_file() or stamp.read_text(encoding="ascii") != wanted:
            refresh(top, table, folder, python)
            stamp.write_text(wanted, encoding="ascii")
    print(folder / "bin")


def refresh(top: Path, table: dict[str, Any], folder: Path, python: Path) -> None:
    """Install everything, into a new environment unless the present one runs, with this version of Python, in this place."""
    start = time.monotonic()
    if not is_ours(folder, python):
        if folder.exists():
            say(f"removing {folder}, which is unfinished or was made elsewhere")
            shutil.rmtree(folder)
        say(f"making {folder} with {sys.executable} ({sys.version.split()[0]})")
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, stdout=subprocess.DEVNULL)
        (folder / "pachon-place").write_text(place(folder), encoding="utf-8")
    members = table.get("workspace", {}).get("members", [])
    ours = f"{len(members)} packages of this checkout, editable, and what they need" if members else "what it holds"
    say(f"installing {ours}; a minute or two the first time")
    editable: list[str] = []
    for member in members:
        features = ",".join(member.get("features", []))
        editable += ["--editable", f"{top / member['path']}{f'[{features}]' if features else ''}"]
    if editable:
        run_pip(python, *BUILD_TOOLS)
    run_pip(
        python, "--no-build-isolation" if editable else "--prefer-binary", *table.get("dependencies", []), *editable
    )
    say(f"ready after {time.monotonic() - start:.0f} s")


def place(folder: Path) -> str:
    return f"{folder}\n{sys.version}"


def is_ours(folder: Path, python: Path) -> bool:
    mark = folder / "pachon-place"
    if not mark.is_file() or mark.read_text(encoding="utf-8") != place(folder):
        return False
    return os.access(python, os.X_OK) and subprocess.run([python, "-c", ""], check=False).returncode == 0


if __name__ == "__main__":
    main()
