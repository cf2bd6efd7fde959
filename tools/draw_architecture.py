# SPDX-License-Identifier: BSD-3-Clause
"""Draw the layers as docs/images/architecture.svg, or with --check say whether that picture is up to date.

usage: python tools/draw_architecture.py [--check]        (with the Python of the environment that tools/environment makes)

The packages and their layers are those of the import contracts in pyproject.toml, the arrows are the dependencies that the
packages declare, without those that follow from others, and the words are those of the table in README.md.
"""

import argparse
import re
import sys
import textwrap
import tomllib
from pathlib import Path

from pachon.quantum_butler.drawing import Edge, Node, draw_layered

TOP = Path(__file__).parents[1]
PICTURE = TOP / "docs" / "images" / "architecture.svg"
WIDTH = 34
"""Longest line of a box, in characters."""


def read_layers() -> dict[str, int]:
    """Give the layer of each package, the lowest being 0."""
    linter = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (contract,) = (item for item in linter["contracts"] if item["type"] == "layers")
    return {
        name.strip().removeprefix("pachon."): number
        for number, layer in enumerate(reversed(contract["layers"]))
        for name in layer.split("|")
    }


def read_words() -> dict[str, str]:
    """Give what the table of the read-me file says of each package."""
    rows = re.findall(
        r"^\| \[`(\w+)`\]\(packages/\w+\) \| (.+) \|$", (TOP / "README.md").read_text("utf-8"), re.MULTILINE
    )
    return {name: words.replace("`", "") for name, words in rows}


def read_dependencies(name: str) -> set[str]:
    """Give the packages of the workspace that a package declares."""
    project = tomllib.loads((TOP / "packages" / name / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = (re.match(r"pachon-([\w-]+)", requirement) for requirement in project["dependencies"])
    return {match[1].replace("-", "_") for match in names if match}


def without_shortcuts(direct: dict[str, set[str]]) -> dict[str, set[str]]:
    """Leave out dependencies that follow from others."""

    def reached(name: str) -> set[str]:
        return direct[name].union(*(reached(other) for other in direct[name]))

    return {name: {n for n in names if not any(n in reached(o) for o in names)} for name, names in direct.items()}


def draw() -> str:
    """Give the picture.

    Raises
    ------
    SystemExit
        If the lists disagree, or a package depends on one that is not below it.
    """
    layers, words = read_layers(), read_words()
    if set(layers) != set(words):
        raise SystemExit(f"README.md and the import contracts differ: {sorted(set(layers) ^ set(words))}")
    direct = {name: read_dependencies(name) for name in layers}
    for name, others in direct.items():
        for other in others:
            if layers[other] >= layers[name]:
                raise SystemExit(f"{name} depends on {other}, which is not below it.")
    nodes = [Node(key=name, lines=(name, *textwrap.wrap(words[name], WIDTH))) for name in layers]
    reduced = without_shortcuts(direct)
    edges = [Edge(source=name, target=other) for name in layers for other in sorted(reduced[name])]
    return draw_layered(
        nodes, edges, title="The layers of pachon: each imports what its arrows lead to", direction="down"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Draw docs/images/architecture.svg.")
    parser.add_argument("--check", action="store_true", help="only compare; exit code 1 if the picture is out of date")
    check = parser.parse_args().check
    text = draw()
    if not check:
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.write_text(text, encoding="utf-8")
        print(PICTURE)
    elif not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != text:
        print("docs/images/architecture.svg is out of date; run: python tools/draw_architecture.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
