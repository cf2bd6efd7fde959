# SPDX-License-Identifier: BSD-3-Clause
"""Install each package alone and test it there; see tools/check_packages."""

import argparse
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

IMPORT_PUBLIC_NAMES = """
import importlib, sys
package = importlib.import_module(sys.argv[1])
for name in package.__all__:
    getattr(package, name)
print(f"  {sys.argv[1]}: {len(package.__all__)} public names")
"""

IMPORT_ALL_MODULES = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
modules = [m.name for m in pkgutil.walk_packages(package.__path__, f"{sys.argv[1]}.") if not m.name.endswith("__main__")]
for name in modules:
    importlib.import_module(name)
print(f"  {sys.argv[1]}: {len(modules)} modules")
"""


PIP_OPTIONS = ("--quiet", "--disable-pip-version-check")
SECONDS_AT_MOST = 1800
"""A test that hangs must not hang whoever called."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="check_packages", description="Build all wheels; install and test packages alone."
    )
    parser.add_argument("top", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="folders below packages/; default: all")
    parser.add_argument("--changed", nargs="?", const="", metavar="COMMIT", help="only those that changed since COMMIT")
    parser.add_argument("--keep", action="store_true", help="keep the environments")
    parser.add_argument(
        "--jobs", type=int, default=min(4, os.cpu_count() or 1), help="packages at a time (%(default)s)"
    )
    options = parser.parse_intermixed_args()
    top: Path = options.top
    known = sorted(path.parent.name for path in top.glob("packages/*/pyproject.toml"))
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f"no package {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    names = options.names or known
    if options.changed is not None:
        names = changed_packages(top, known, options.changed)
    wheels = build_wheels(top, known)
    # Those with the most tests first, so that none of them is the one that everybody waits for at the end.
    by_size = sorted(
        names, key=lambda name: -sum(path.stat().st_size for path in top.glob(f"packages/{name}/tests/**/*.py"))
    )
    with ThreadPoolExecutor(max(1, options.jobs)) as threads:
        passed = threads.map(lambda name: check_alone(top, name, wheels[name], keep=options.keep), by_size)
        failures = sorted(name for name, well in zip(by_size, passed, strict=True) if not well)
    if failures:
        print(f"check_packages: failed: {', '.join(failures)}", file=sys.stderr)
        return 1
    remember(top, whole=len(names) == len(known) or options.changed is not None)
    print(
        f"check_packages: {len(names)} of {len(known)} packages installed and tested alone: {', '.join(names) or 'none'}"
    )
    return 0


def git(top: Path, *arguments: str) -> str | None:
    """Give what git says, or None if it fails."""
    done = subprocess.run(["git", "-C", str(top), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def changed_packages(top: Path, known: Sequence[str], base: str) -> list[str]:
    """Give the packages that differ from a commit: the given one, else the one that the branch left, else the last checked."""
    head = git(top, "rev-parse", "HEAD")
    base = base or os.environ.get("PACHON_CI_BASE", "")
    if not base:
        base = git(top, "merge-base", "HEAD", "origin/main") or ""
        if base == head:
            mark = memory(top)
            base = mark.read_text(encoding="ascii").strip() if mark.is_file() else ""
    files = git(top, "diff", "--name-only", base, "--", "packages") if base else None
    if files is None:
        print("check_packages: no commit to compare with is known, so all packages are checked")
        return list(known)
    others = git(top, "ls-files", "--others", "--exclude-standard", "--", "packages") or ""
    touched = {line.split("/")[1] for line in [*files.splitlines(), *others.splitlines()] if line.count("/") > 1}
    print(f"check_packages: compared with {base[:12]}: {', '.join(sorted(touched)) or 'no package'} changed")
    return [name for name in known if name in touched]


def memory(top: Path) -> Path:
    return top / ".environments" / "checked-commit"


def remember(top: Path, *, whole: bool) -> None:
    """Note the commit, if all that it changed was checked and nothing is uncommitted."""
    head = git(top, "rev-parse", "HEAD")
    if whole and head and not git(top, "status", "--porcelain", "--", "packages"):
        memory(top).write_text(f"{head}\n", encoding="ascii")


def build_wheels(top: Path, names: Sequence[str]) -> dict[str, Path]:
    """Build the wheels with the workspace's own hatchling."""
    folder = top / ".environments" / "wheels"
    shutil.rmtree(folder, ignore_errors=True)
    start = time.monotonic()
    sources = [str(top / "packages" / name) for name in names]
    command = [sys.executable, "-m", "pip", *PIP_OPTIONS, "wheel", "--no-deps", "--no-build-isolation"]
    done = run([*command, "--wheel-dir", str(folder), *sources], top)
    if done.returncode:
        sys.exit(f"{done.stdout}check_packages: the wheels cannot be built")
    wheels = {name: next(folder.glob(f"pachon_{name}-*.whl")) for name in names}
    print(f"check_packages: {len(wheels)} wheels built in {time.monotonic() - start:.0f} s", flush=True)
    return wheels


def check_alone(top: Path, name: str, wheel: Path, *, keep: bool) -> bool:
    """Install one package into a fresh environment, import its public names, then its modules, and run its tests.

    What the programs say is shown when the package is done, for others are checked at the same time.
    """
    start = time.monotonic()
    folder = top / ".environments" / "alone" / name
    shutil.rmtree(folder, ignore_errors=True)
    said = [f"== {name} alone"]
    try:
        for command in commands_alone(top, name, wheel, folder):
            done = run(command, folder)
            if done.returncode or "install" not in command:  # pip has much to say of indexes that it does not need
                said.append(done.stdout.rstrip())
            if done.returncode:
                said.append(f"{name}: failed (exit {done.returncode}): {' '.join(command)[:200]}")
                return False
        said.append(f"{name}: well after {time.monotonic() - start:.0f} s")
        return True
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
        said.append(output.decode(errors="replace") if isinstance(output, bytes) else output)
        said.append(f"{name}: took too long: {' '.join(map(str, error.cmd))[:200]}")
        return False
    finally:
        print("\n".join(line for line in said if line), flush=True)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def commands_alone(top: Path, name: str, wheel: Path, folder: Path) -> Iterator[list[str]]:
    """Give what is run for one package, in this order; the first that fails ends it."""
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", *PIP_OPTIONS, "install", "--find-links", str(wheel.parent)]
    yield [sys.executable, "-m", "venv", str(folder)]
    yield [*install, str(wheel)]
    yield [python, "-c", IMPORT_PUBLIC_NAMES, f"pachon.{name}"]
    project = tomllib.loads((top / "packages" / name / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if "test" in project.get("optional-dependencies", {}):
        yield [*install, f"{wheel}[test]"]
    yield [python, "-c", IMPORT_ALL_MODULES, f"pachon.{name}"]
    settings, tests = str(top / "pyproject.toml"), str(top / "packages" / name / "tests")
    yield [python, "-m", "pytest", "-q", "-c", settings, "-p", "no:cacheprovider", tests]


def run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, if that is made already, and catch all that it says."""
    return subprocess.run(
        command,
        cwd=folder if folder.is_dir() else None,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS_AT_MOST,
    )


if __name__ == "__main__":
    sys.exit(main())
