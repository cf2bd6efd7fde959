# SPDX-License-Identifier: BSD-3-Clause
"""Install each package alone and test it there; see tools/check_packages."""

import argparse
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
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


SECONDS_AT_MOST = 1200
"""A test that hangs must not hang whoever called."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="check_packages", description="Build all wheels; install and test packages alone."
    )
    parser.add_argument("top", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="folders below packages/; default: all")
    parser.add_argument("--changed", nargs="?", const="", metavar="COMMIT", help="only those that changed since COMMIT")
    parser.add_argument("--keep", action="store_true", help="keep the environments")
    options = parser.parse_args()
    top: Path = options.top
    known = sorted(path.parent.name for path in top.glob("packages/*/pyproject.toml"))
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f"no package {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    names = options.names or known
    if options.changed is not None:
        names = changed_packages(top, known, options.changed)
    wheels = build_wheels(top, known)
    failures = [name for name in names if not check_alone(top, name, wheels[name], keep=options.keep)]
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
    pip("python", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), *sources)
    wheels = {name: next(folder.glob(f"pachon_{name}-*.whl")) for name in names}
    print(f"check_packages: {len(wheels)} wheels built in {time.monotonic() - start:.0f} s", flush=True)
    return wheels


def pip(python: str | Path, command: str, *arguments: str) -> None:
    program = sys.executable if python == "python" else str(python)
    options = ["--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [program, "-m", "pip", *options, command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        done.check_returncode()


def check_alone(top: Path, name: str, wheel: Path, *, keep: bool) -> bool:
    """Install one package into a fresh environment, import its public names, then its modules, and run its tests."""
    start = time.monotonic()
    folder = top / ".environments" / "alone" / name
    python = folder / "bin" / "python"
    print(f"== {name} alone", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        find = ["--find-links", str(wheel.parent)]
        pip(python, "install", *find, str(wheel))
        run(python, "-c", IMPORT_PUBLIC_NAMES, f"pachon.{name}", folder=folder)
        extras = tomllib.loads((top / "packages" / name / "pyproject.toml").read_text(encoding="utf-8"))
        if "test" in extras["project"].get("optional-dependencies", {}):
            pip(python, "install", *find, f"{wheel}[test]")
        run(python, "-c", IMPORT_ALL_MODULES, f"pachon.{name}", folder=folder)
        tests = top / "packages" / name / "tests"
        run(
            python,
            "-m",
            "pytest",
            "-q",
            "-c",
            str(top / "pyproject.toml"),
            "-p",
            "no:cacheprovider",
            str(tests),
            folder=folder,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        how = "took too long" if isinstance(error, subprocess.TimeoutExpired) else "failed"
        print(f"{name}: {how}: {' '.join(map(str, error.cmd))[:200]}", file=sys.stderr)
        return False
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{name}: well after {time.monotonic() - start:.0f} s", flush=True)
    return True


def run(python: Path, *arguments: str, folder: Path) -> None:
    subprocess.run([str(python), *arguments], cwd=folder, check=True, timeout=SECONDS_AT_MOST)


if __name__ == "__main__":
    sys.exit(main())
