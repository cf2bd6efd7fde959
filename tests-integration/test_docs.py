# SPDX-License-Identifier: BSD-3-Clause
"""What the documentation names is there: files, links, commands and their options; lists and the picture are complete."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pachon.base import load_plugin, plugin_names

TOP = Path(__file__).resolve().parents[1]
PACKAGES = sorted(path.parent for path in TOP.glob("packages/*/pyproject.toml"))
PAGES = sorted([
    *TOP.glob("*.md"),
    *TOP.glob("docs/**/*.md"),
    *TOP.glob(".github/**/*.md"),
    *(page for package in PACKAGES for page in package.glob("*.md")),
])  # fmt: skip
FOLDERS = ("packages/", "docs/", "tools/", "tests-integration/", ".github/", ".ci/")
PROGRAMS = {"butler": "pachon.butler.commands", "pipetask": "pachon.pipetask.commands"}
MOST_FILES = 14
LARGEST_PICTURE = 300_000
MUST_NOT_EXIST = "pachon/__init__.py"
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))


def code_free(text: str) -> str:
    """Leave out blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def code_words(page: Path) -> list[str]:
    """Give what a page puts between backticks."""
    return re.findall(r"`([^`\n]+)`", code_free(page.read_text(encoding="utf-8")))


def is_there(word: str, page: Path) -> bool:
    """Whether a path exists: from the top, from the page, below `packages/`, or, if it is short, as the end of another."""
    if any((base / word).exists() for base in (TOP, page.parent, TOP / "packages")):
        return True
    if word.startswith(FOLDERS):
        return False
    places = [page.parent] if page.parent in PACKAGES else PACKAGES
    return any(True for package in places for _ in package.rglob(word.rstrip("/")))


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", code_free(page.read_text(encoding="utf-8")))
    local = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]
    assert [link for link in local if not (page.parent / link).exists()] == []


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    # A tutorial names the files that its reader makes.
    endings = () if page.parent.name == "tutorials" else (".py", "/")
    named = [
        word.split(":")[0]
        for word in code_words(page)
        if re.fullmatch(r"[\w./-]+", word) and (word.startswith(FOLDERS) or word.endswith(endings))
    ]
    assert [word for word in named if not word.endswith(MUST_NOT_EXIST) and not is_there(word, page)] == []


def test_pages_that_the_code_names_exist() -> None:
    missing = [
        f"{path.relative_to(TOP)}: {name}"
        for pattern in ("packages/*/src/**/*.py", "packages/*/tests/**/*.py", "tools/**/*.py")
        for path in TOP.glob(pattern)
        for name in re.findall(r"docs/[\w./-]+\.\w+", path.read_text(encoding="utf-8"))
        if not (TOP / name).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", sorted(TOP.glob("docs/walks/[!R]*.md")), ids=lambda page: page.stem)
def test_walks_are_short(page: Path) -> None:
    files = [word for word in code_words(page) if word.endswith(".py")]
    named_elsewhere = [word for word in files if word.startswith("tests-integration/")]
    assert 0 < len(set(files) - set(named_elsewhere)) <= MOST_FILES


def test_architecture_tells_of_every_layer_and_names_real_places() -> None:
    text = (TOP / "docs" / "architecture.md").read_text(encoding="utf-8")
    for package in PACKAGES:
        assert f"**[{package.name}](../packages/{package.name}/README.md)** " in text
    _, _, table = text.partition("## Where do I change X?")
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \|$", table, re.MULTILINE)[2:]
    assert len(rows) >= 20
    assert all("`" in row for row in rows)


def test_picture_of_the_layers_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(TOP / "tools" / "draw_architecture.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder", ["walks", "decisions", "formats"])
def test_index_lists_every_page(folder: str) -> None:
    index = (TOP / "docs" / folder / "README.md").read_text(encoding="utf-8")
    pages = [page.name for page in (TOP / "docs" / folder).glob("*.md") if page.name != "README.md"]
    assert [name for name in pages if f"]({name})" not in index] == []


def test_words_are_defined_once() -> None:
    glossary = (TOP / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = [
        word
        for row in re.findall(r"^\| ([^|`]+) \|", glossary, re.MULTILINE)
        for word in row.split(", ")
        if word not in ("word", "---")
    ]
    assert sorted({word for word in words if words.count(word) > 1}) == []


def test_pictures_are_small() -> None:
    assert [str(path) for path in (TOP / "docs" / "images").iterdir() if path.stat().st_size > LARGEST_PICTURE] == []


def shell_commands(page: Path) -> Iterator[list[str]]:
    """Give the commands of our programs in a page's blocks of type ``sh``."""
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] in PROGRAMS:
                yield words


@each_page
def test_commands_that_are_mentioned_exist(page: Path) -> None:
    mentioned = [re.match(r"(butler|pipetask) ([a-z][a-z-]+)", word) for word in code_words(page)]
    missing = [found[0] for found in mentioned if found and found[2] not in plugin_names(PROGRAMS[found[1]])]
    assert missing == []


@each_page
def test_commands_exist_and_have_the_options_that_are_shown(page: Path) -> None:
    for program, *words in shell_commands(page):
        name = next(word for word in words if not word.startswith("-"))
        command = load_plugin(PROGRAMS[program], name)
        assert isinstance(command, click.Command)
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        given = [word.partition("=")[0] for word in words[words.index(name) + 1 :] if re.match(r"--?[a-zA-Z]", word)]
        assert [option for option in given if option not in {*known, "--help", "-h"}] == [], f"{program} {name}"
        for package, path in re.findall(r"resource://pachon\.(\w+)/([\w./-]+)", " ".join(words)):
            assert (TOP / "packages" / package / "src" / "pachon" / package / path).exists()
