# SPDX-License-Identifier: BSD-3-Clause
"""The lists of packages that stand in several places say the same, and each package has what all packages have."""

import ast
import functools
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

TOP = Path(__file__).parents[1]
NAMES = sorted(path.parent.name for path in TOP.glob("packages/*/pyproject.toml"))
ROOT = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]


def load(name: str) -> dict[str, Any]:
    return tomllib.loads((TOP / "packages" / name / "pyproject.toml").read_text())


def test_every_list_of_packages_is_complete() -> None:
    modules = {f"pachon.{name}" for name in NAMES}
    members = ROOT["hatch"]["envs"]["default"]["workspace"]["members"]
    assert sorted(member["path"] for member in members) == [f"packages/{name}" for name in NAMES]
    linter = ROOT["importlinter"]
    assert set(linter["root_packages"]) == modules
    contracts = {contract["type"]: contract for contract in linter["contracts"]}
    layered = [name.strip() for layer in contracts["layers"]["layers"] for name in layer.split("|")]
    assert sorted(layered) == sorted(modules)
    assert set(contracts["acyclic_siblings"]["ancestors"]) == modules
    paths = re.findall(r"packages/(\w+)/src", ROOT["mypy"]["mypy_path"])
    assert sorted(paths) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_package_has_what_all_have(name: str) -> None:
    folder, project = TOP / "packages" / name, load(name)["project"]
    assert project["name"] == f"pachon-{name.replace('_', '-')}"
    assert project["requires-python"] == ">=3.11"
    assert project["license"] == "BSD-3-Clause"
    assert "test" in project["optional-dependencies"]
    assert (folder / "src" / "pachon" / name / "py.typed").is_file()
    assert (folder / "README.md").read_text().strip()
    assert list((folder / "changes").glob("*.md"))
    assert not (folder / "src" / "pachon" / "__init__.py").exists()


@pytest.mark.parametrize("name", NAMES)
def test_siblings_have_bounds_and_are_declared(name: str) -> None:
    project = load(name)["project"]
    extras = [item for items in project["optional-dependencies"].values() for item in items]
    declared = set()
    for requirement in [*project["dependencies"], *extras]:
        match = re.match(r"pachon-([\w-]+)(\[[^\]]*\])?(.*)", requirement)
        if match is None or match[1].replace("-", "_") == name:
            continue
        declared.add(match[1].replace("-", "_"))
        assert match[3] == ">=0.1.0,<0.2", f"{requirement} lacks its bounds"
    source = "\n".join(path.read_text() for path in (TOP / "packages" / name / "src").rglob("*.py"))
    imported = set(re.findall(r"^\s*(?:from|import) pachon\.(\w+)", source, re.MULTILINE)) - {name}
    assert imported <= declared, f"{name} imports {sorted(imported - declared)} without declaring it"


@pytest.mark.parametrize("name", NAMES)
def test_every_source_file_names_its_licence(name: str) -> None:
    files = [*(TOP / "packages" / name).rglob("*.py")]
    missing = [
        str(path.relative_to(TOP))
        for path in files
        if not path.read_text().startswith("# SPDX-License-Identifier: BSD-3-Clause")
    ]
    assert missing == []


def test_no_file_names_a_download_address_or_a_place_of_one_machine() -> None:
    pattern = re.compile(r"https?://[^ ]*(/simple|\.whl|\.tar\.gz)\b")
    files = [path for folder in ("packages", "tools", ".github", ".ci") for path in (TOP / folder).rglob("*.toml")]
    assert [path for path in files if pattern.search(path.read_text())] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_tests_import_is_declared(name: str) -> None:
    """A package is tested alone too, where nothing is installed but what it declares and what that needs."""
    installed = distributions_of(f"pachon-{name.replace('_', '-')}", frozenset({"test"}))
    tests = TOP / "packages" / name / "tests"
    # The tests' own modules, beside them, belong to no distribution.
    own = {path.stem for path in tests.rglob("*") if path.is_dir() or path.suffix == ".py"}
    files = {
        top_of(module): path.name
        for path in with_testing_modules(tests.rglob("*.py"))
        for module in modules_at_import(path)
    }
    others = {module: file for module, file in files.items() if module not in own | set(sys.stdlib_module_names)}
    assert not {module: file for module, file in others.items() if not installed & distributions_with(module)}


def with_testing_modules(paths: Iterable[Path]) -> set[Path]:
    """Add to files the modules for tests of our packages that they import, and what those import in turn, with the packages around them."""
    found, waiting = set(), list(paths)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for module in modules_at_import(path):
            parts = module.split(".")
            if parts[0] != "pachon" or "testing" not in parts:
                continue
            source = TOP / "packages" / parts[1] / "src"
            for count in range(parts.index("testing") + 1, len(parts) + 1):
                place = source.joinpath(*parts[:count])
                waiting += [file for file in (place / "__init__.py", place.with_suffix(".py")) if file.exists()]
    return found


def modules_at_import(path: Path) -> set[str]:
    """Give the modules that a file imports as soon as it is imported itself."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def top_of(module: str) -> str:
    """Give the top-level module of a module, or for ours the package."""
    return ".".join(module.split(".")[: 2 if module.startswith("pachon.") else 1])


def distributions_with(module: str) -> set[str]:
    if module.startswith("pachon."):
        return {normal(module.replace(".", "-"))}
    return {normal(name) for name in packages_distributions().get(module, ())}


@functools.cache
def distributions_of(name: str, extras: frozenset[str] = frozenset()) -> frozenset[str]:
    """Give the names of a distribution and of all that it needs, as installed here."""
    found, waiting = set(), [(normal(name), extras)]
    while waiting:
        step = waiting.pop()
        if step in found:
            continue
        found.add(step)
        try:
            requirements = requires(step[0]) or []
        except PackageNotFoundError:  # of another platform or Python
            continue
        for text in requirements:
            requirement = Requirement(text)
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": e}) for e in ("", *step[1])):
                waiting.append((normal(requirement.name), frozenset(requirement.extras)))
    return frozenset(distribution for distribution, _ in found)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
