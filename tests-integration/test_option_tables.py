# SPDX-License-Identifier: BSD-3-Clause
"""The page of options says of each option of each command what its state is; it is compared with the command lines."""

import re
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

PAGE = Path(__file__).parents[1] / "docs" / "pipetask-options.md"
PROGRAMS = {"pipetask": "pachon.pipetask.commands", "butler": "pachon.butler.commands"}
STATES = ("done", "different", "accepted, without effect", "new")


def sections() -> dict[str, dict[tuple[str, ...], str]]:
    """Give the rows of the page: command -> names of the option -> state."""
    found: dict[str, dict[tuple[str, ...], str]] = {}
    for section in PAGE.read_text().split("\n## ")[1:]:
        command = re.match(r"`([^`]+)`", section)
        assert command, section[:40]
        rows = found.setdefault(command[1], {})
        for names, state in re.findall(r"^\| (`.*?) \| (.+) \|$", section, flags=re.MULTILINE):
            key = tuple(re.findall(r"`([^`]+)`", names))
            assert key not in rows, f"{command[1]}: {key} has two rows"
            rows[key] = state
    return found


def parameters(command: str) -> dict[tuple[str, ...], click.Parameter]:
    program, _, name = command.partition(" ")
    (entry,) = entry_points(group=PROGRAMS[program], name=name)
    return {
        tuple(text.upper() for text in one.opts)
        if isinstance(one, click.Argument)
        else (*one.opts, *one.secondary_opts): one
        for one in entry.load().params
    }


def test_every_command_has_a_section() -> None:
    commands = {f"pipetask {entry.name}" for entry in entry_points(group=PROGRAMS["pipetask"])}
    own = {
        f"butler {entry.name}"
        for entry in entry_points(group=PROGRAMS["butler"])
        if entry.value.startswith("pachon.ctrl_mpexec.")
    }
    others = {"butler transfer-from-graph", "butler zip-from-graph", "butler retrieve-artifacts-for-quanta"}
    assert set(sections()) == commands | own | others


@pytest.mark.parametrize("command", sorted(sections()))
def test_each_option_has_a_row(command: str) -> None:
    rows, known = sections()[command], parameters(command)
    assert set(rows) - set(known) == set(), "rows of options that there are not"
    assert set(known) - set(rows) == set(), "options without a row"
    for names, text in rows.items():
        state, _, reason = text.partition(": ")
        assert state in STATES, f"{names}: {text}"
        if state in ("different", "accepted, without effect"):
            assert reason, f"{names}: a reason is missing"
        hidden = bool(getattr(known[names], "hidden", False))
        assert hidden == (state == "accepted, without effect"), f"{names}: shown by --help, or not?"


def test_what_is_accepted_without_effect_is_accepted() -> None:
    for command, rows in sections().items():
        known = parameters(command)
        for names, text in rows.items():
            if text.startswith("accepted"):
                assert not known[names].required, (command, names)
