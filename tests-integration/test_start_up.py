# SPDX-License-Identifier: BSD-3-Clause
"""Programs start at once: what they list or say of themselves imports no library of weight."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pachon.base import plugin_names

HEAVY = ("sqlalchemy", "pyarrow", "astropy", "numpy", "pydantic", "networkx", "matplotlib", "lsst", "rich")

RUN = """
import json, sys
from importlib.metadata import entry_points
program, *arguments = sys.argv[1:]
main = next(iter(entry_points(group="console_scripts", name=program))).load()
sys.argv = [program, *arguments]
try:
    main()
except SystemExit as stop:
    code = stop.code
sys.stdout.flush()
print("\\n" + json.dumps({"code": code, "modules": sorted(sys.modules)}))
"""


def run(program: str, *arguments: str) -> tuple[str, set[str]]:
    """Run a program in a process of its own; give its output and the modules that it imported."""
    done = subprocess.run([sys.executable, "-c", RUN, program, *arguments], capture_output=True, text=True, check=True)
    output, _, report = done.stdout.rstrip("\n").rpartition("\n")
    seen = json.loads(report)
    assert not seen["code"], done.stderr
    return output, set(seen["modules"])


def listed_commands(listing: str) -> dict[str, str]:
    """Give the commands that a program's help lists, with what it says of each; a sentence may go on in the next line."""
    found: dict[str, str] = {}
    for line in listing.partition("Commands:")[2].splitlines():
        if line.startswith("   "):
            last = list(found)[-1]
            found[last] = f"{found[last]} {line.strip()}".strip()
        elif line.strip():
            name, _, text = line.strip().partition(" ")
            found[name] = text.strip()
    return found


@pytest.mark.parametrize("program", ["butler", "pipetask"])
@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_programs_start_light(program: str, arguments: list[str]) -> None:
    output, modules = run(program, *arguments)
    assert program in output
    assert sorted(modules & set(HEAVY)) == []


@pytest.mark.parametrize("program", ["butler", "pipetask"])
def test_listing_imports_no_command(program: str) -> None:
    output, modules = run(program, "--help")
    commands = list(listed_commands(output))
    assert len(commands) > 1
    assert not [name for name in modules if ".commands." in name]


@pytest.mark.parametrize("program", ["butler", "pipetask"])
def test_every_command_has_its_help_in_the_list_and_starts_light(program: str) -> None:
    listing, _ = run(program, "--help")
    described = listed_commands(listing)
    group = f"pachon.{program}.commands"
    assert sorted(described) == sorted(plugin_names(group))
    code = (
        "import sys, json, click; from pachon.base.cli import LazyGroup\n"
        f"group = LazyGroup({program!r}, entry_points={group!r}); context = click.Context(group, info_name={program!r})\n"
        "helps = {n: group.get_command(context, n).get_short_help_str(1000) for n in group.list_commands(context)}\n"
        f"print(json.dumps([helps, [m for m in {HEAVY!r} if m in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    helps, heavy = json.loads(done.stdout)
    assert heavy == [], "a command module imports a heavy library at its top"
    for name, text in helps.items():
        shown = described[name]
        assert shown, f"{program} --help says nothing about {name}"
        assert text.removesuffix(".") == shown.removesuffix("."), (
            f"the list says {shown!r} of {name}, its help {text!r}"
        )


@pytest.mark.parametrize("program", ["butler", "pipetask"])
def test_the_installed_program_runs(program: str) -> None:
    path = shutil.which(program, path=str(Path(sys.executable).parent))
    assert path is not None
    done = subprocess.run([path, "no-such-command"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "There is no command 'no-such-command'" in done.stderr
