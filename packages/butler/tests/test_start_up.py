# SPDX-License-Identifier: BSD-3-Clause
"""What starting the program imports."""

import importlib.util
import json
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

from pachon.butler import commands

HEAVY = {"sqlalchemy", "numpy", "astropy", "pyarrow", "pydantic", "yaml", "rich", "lsst.sphgeom"}
COMMANDS = sorted(e.name for e in entry_points(group="pachon.butler.commands") if e.value.startswith("pachon.butler."))


def test_all_commands_of_this_package_are_there() -> None:
    modules = {path.stem for path in Path(commands.__path__[0]).glob("[a-z]*.py")}
    assert {name.replace("-", "_") for name in COMMANDS} == modules


def imported_by(*arguments: str) -> set[str]:
    code = (
        "import sys, json\n"
        "from pachon.butler.program import program\n"
        f"program.main({list(arguments)!r}, standalone_mode=False)\n"
        "print('MODULES' + json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return set(json.loads(done.stdout.partition("MODULES")[2]))


def test_help_imports_nothing_heavy() -> None:
    assert not HEAVY & imported_by("--help")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_light_and_has_a_help(name: str) -> None:
    (entry,) = [e for e in entry_points(group="pachon.butler.commands") if e.name == name]
    command = entry.load()
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help
    assert all(
        option.help or getattr(option, "hidden", False) for option in command.params if isinstance(option, click.Option)
    )


def test_help_of_all_commands_imports_nothing_heavy() -> None:
    modules = "import " + ", ".join(
        sorted({e.value.partition(":")[0] for e in entry_points(group="pachon.butler.commands") if e.name in COMMANDS})
    )
    code = f"{modules}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not HEAVY & set(json.loads(done.stdout))


QUERIES = pytest.mark.parametrize(
    "arguments",
    [
        ["query-collections"],
        ["query-dataset-types"],
        ["query-datasets", "raw"],
        ["query-data-ids", "exposure"],
        ["query-dimension-records", "detector"],
        ["query-calibrations", "*"],
    ],
    ids=lambda arguments: arguments[0],
)


@QUERIES
def test_a_query_for_people_imports_no_models_and_no_tables_of_libraries(
    repository: Path, arguments: list[str]
) -> None:
    command, *rest = arguments
    modules = imported_by(command, str(repository), *rest)
    assert "sqlalchemy.dialects.sqlite" in modules
    assert not {"pydantic", "astropy", "pyarrow", "pandas", "rich", "networkx", "lsst.sphgeom"} & modules


FOR_WRITERS_AND_FILES = {
    "pachon.butler.config_writing",
    "pachon.butler.definition_notes",
    "pachon.butler.record_store",
    "pachon.butler.repository_files",
    "pachon.butler.repository_settings",
    "pachon.butler.write_protocol",
    "pachon.butler.writer_lease",
    "pachon.datasets.storage_class",
    "pachon.datastore.datastore",
    "pachon.datastore.file_setup",
    "pachon.datastore.file_store",
    "pachon.datastore.records",
    "pachon.datastore.write_token",
    "pachon.datastore.writing",
    "pachon.quantum_butler",
    "pachon.registry.collections.associations",
    "pachon.registry.collections.calibrations",
    "pachon.registry.datasets.insertion",
    "pachon.registry.dimension_records.insertion",
    "pachon.registry.opaque",
    "pachon.registry.query.arithmetic",
}
"""What a query does without, and what is noticed as a part of its time."""


def test_what_queries_do_without_is_there() -> None:
    assert all(importlib.util.find_spec(name) for name in FOR_WRITERS_AND_FILES)


@QUERIES
def test_a_query_imports_neither_what_writes_nor_the_other_database(root: Path, arguments: list[str]) -> None:
    command, *rest = arguments
    modules = imported_by(command, str(root), *rest)
    dialects = {name for name in ("sqlite", "postgresql") if f"sqlalchemy.dialects.{name}" in modules}
    assert len(dialects) == 1
    assert not FOR_WRITERS_AND_FILES & modules


def test_nothing_is_collected_while_a_query_starts_and_runs(repository: Path) -> None:
    code = (
        "import gc, sys\n"
        "from pachon.butler.program import main\n"
        "seen = []\n"
        "gc.callbacks.append(lambda phase, info: seen.append(phase))\n"
        "try:\n    main()\n"
        "except SystemExit:\n    print('COLLECTED', len(seen), gc.get_count()[0] > 50_000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "query-datasets", str(repository), "raw"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "COLLECTED 0 True"


def test_a_query_without_regions_on_sqlite_imports_no_geometry_and_no_other_database(repository: Path) -> None:
    modules = imported_by("query-datasets", str(repository), "raw", "--where", "instrument = 'Cam' AND exposure > 0")
    assert "sqlalchemy.dialects.sqlite" in modules
    assert not {"lsst.sphgeom", "sqlalchemy.dialects.postgresql", "astropy", "pyarrow"} & modules
