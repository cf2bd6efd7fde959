# SPDX-License-Identifier: BSD-3-Clause
"""Made-up pipeline files that import each other: mostly right ones, with a few contradictions and mistakes among them."""

import random
from pathlib import Path
from typing import Any

import yaml

__all__ = ["random_documents", "random_selection"]

LABELS = [f"t{number}" for number in range(12)]
VALUES = [1, 2, "a", "parameters.p", "[1, 2]", [1, "b"], {"k": 1}, None, True, 1.5, "None", "'q'"]
FIELDS = ["n", "m", "sub.k", "connections.x", "lst"]


def random_documents(chance: random.Random, folder: Path) -> Path:
    """Write up to five pipeline files, and give the one that imports the others."""
    folder.mkdir(parents=True)
    names = [f"p{number}" for number in range(chance.randint(1, 5))]
    pool = chance.sample(LABELS, len(LABELS))
    labels = {name: pool[first :: len(names)] for first, name in enumerate(names)}
    for position, name in enumerate(names):
        document = _document(chance, name, names[position + 1 :], labels, folder)
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return folder / "p0.yaml"


def random_selection(chance: random.Random, path: Path) -> list[str]:
    """Give names that a user may select of a pipeline; most of them exist."""
    document = yaml.safe_load(path.read_text())
    known = [*document.get("tasks", {}), *document.get("subsets", {})]
    return chance.sample([*known * 6, "t1", "t2", "p1s0"], chance.randint(1, 3))


def _document(
    chance: random.Random, name: str, below: list[str], labels: dict[str, list[str]], folder: Path
) -> dict[str, Any]:
    document: dict[str, Any] = {"description": chance.choice(["text", "two\nlines\n"])}
    own = labels[name] if chance.random() < 0.985 else LABELS
    tasks = {label: _task(chance) for label in chance.sample(own, min(len(own), chance.randint(not below, 4)))}
    if chance.random() < 0.3:
        document["instrument"] = chance.choice(["pkg.CamA"] * 9 + ["pkg.CamB"])
    if chance.random() < 0.5:
        names = chance.sample("pqrs", chance.randint(1, 3))
        document["parameters"] = {key: chance.choice([1, 2.5, "x", [1, 2], {"a": 1}, True]) for key in names}
    if tasks:
        document["tasks"] = tasks
    if below:
        imported = chance.sample(below, chance.randint(1, min(2, len(below))))
        document["imports"] = [_import(chance, other, labels[other], folder) for other in imported]
    if tasks and chance.random() < 0.6:
        document["subsets"] = _subsets(chance, name, list(tasks) if chance.random() < 0.98 else LABELS)
        if chance.random() < 0.5:
            document["steps"] = _steps(chance, list(document["subsets"]))
    if chance.random() < 0.5:
        document["contracts"] = [_contract(chance) for _ in range(chance.randint(1, 3))]
    return document


def _task(chance: random.Random) -> Any:
    name = f"pkg.mod.Class{chance.randrange(4)}"
    kind = chance.random()
    if kind < 0.3:
        return name
    if kind < 0.6:
        return {"class": name, "config": _block(chance)}
    return {"class": name, "config": [_block(chance) for _ in range(chance.randint(1, 3))]}


def _block(chance: random.Random) -> dict[str, Any]:
    block: dict[str, Any] = {chance.choice(FIELDS): chance.choice(VALUES) for _ in range(chance.randint(1, 3))}
    if chance.random() < 0.15:
        block["python"] = chance.choice(["config.n = 1\n", "config.m = 2"])
    if chance.random() < 0.1:
        block["file"] = chance.choice(["a.py", ["a.py", "$X/b.py"]])
    if chance.random() < 0.1:
        block["dataId"] = {"detector": chance.choice([1, 2])}
    return block


def _subsets(chance: random.Random, name: str, labels: list[str]) -> dict[str, Any]:
    subsets: dict[str, Any] = {}
    for number in range(chance.randint(1, 3)):
        chosen = chance.sample(labels, chance.randint(1, min(3, len(labels))))
        subset = chosen if chance.random() < 0.5 else {"subset": chosen, "description": chance.choice(["d1", "d2"])}
        subsets[f"{name}s{number}" if chance.random() < 0.995 else "t1"] = subset
    return subsets


def _steps(chance: random.Random, names: list[str]) -> list[dict[str, Any]]:
    chosen = chance.sample(names, chance.randint(1, len(names)))
    if chance.random() < 0.02:
        chosen.append(chance.choice([*names, "nowhere"]))
    return [
        {"label": name, "dimensions": chance.sample(["visit", "detector", "tract"], chance.randint(0, 2))}
        for name in chosen
    ]


def _contract(chance: random.Random) -> Any:
    a, b = chance.sample(LABELS, 2)
    expression = chance.choice(
        [f"{a}.n == {b}.n", f"{a}.connections.x == {b}.connections.y", f"{a}.n > 3", f"{a}.n if {b}.m else True"]
    )
    return chance.choice([expression, {"contract": expression, "msg": "m"}, {"contract": expression}])


def _import(chance: random.Random, name: str, labels: list[str], folder: Path) -> Any:
    location = str(folder / f"{name}.yaml")
    if chance.random() < 0.3:
        return location
    entry: dict[str, Any] = {"location": location}
    known = [*labels * 3, *LABELS, *(f"{name}s{number}" for number in range(3)), "nothing"]
    if (kind := chance.random()) < 0.6:
        entry["include" if kind < 0.3 else "exclude"] = chance.sample(known, chance.randint(1, 4))
    for key, values in {
        "importContracts": [True, False, False],
        "importSteps": [True, False, False],
        "labeledSubsetModifyMode": ["DROP", "EDIT", "EDIT"],
        "instrument": ["None", None, "pkg.CamA", "pkg.CamA", "pkg.CamC"],
    }.items():
        if chance.random() < 0.2:
            entry[key] = chance.choice(values)
    if chance.random() < 0.003:
        entry["unknown"] = 1
    return entry
