# SPDX-License-Identifier: BSD-3-Clause
"""Made-up pipeline files with imports are read alike by LSST's packages and by pachon, and refused alike.

Left out of what is made up is what pachon does otherwise on purpose: renamed tasks, empty lists in imports. Steps are not
compared where a selection breaks one of them: pachon then drops all, LSST's packages keep steps that no longer have every task.
Where LSST's packages are is said in `test_peer_queries`. ``PACHON_TEST_VOLUME=10`` makes ten times as many, and new ones.
"""

import os
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from peer_asking import PEER, ask_peer
from random_documents import random_documents, random_selection

from pachon.base import PachonError
from pachon.dimensions.testing.volume import VARIABLE
from pachon.pipe_base import Pipeline

TOP = Path(__file__).resolve().parents[1]
SCRIPT = Path(__file__).with_name("peer_documents.py")
VOLUME = float(os.environ.get(VARIABLE, "0") or 0)
FAMILIES = round(300 * (VOLUME or 1))


@pytest.mark.skipif(not PEER.exists(), reason="LSST's packages are not installed: there is no .environments/peer")
def test_pipeline_files_are_read_alike(tmp_path: Path) -> None:
    seed = f"documents {os.urandom(8).hex() if VOLUME else VOLUME}"
    print(seed)
    chance = random.Random(seed)
    asked: list[tuple[str, list[str] | None]] = []
    for number in range(FAMILIES):
        path = random_documents(chance, tmp_path / str(number))
        asked += [(str(path), None), (str(path), random_selection(chance, path))]
    theirs = ask_peer(SCRIPT, asked, tmp_path)
    read = 0
    for (path, selection), there in zip(asked, theirs, strict=True):
        whole, here = _read(path, None), _read(path, selection)
        assert ("error" in here) == ("error" in there), (path, selection, here, there)
        if "error" in there:
            continue
        read += 1
        compared = _compared(here), _compared(there)
        if selection is not None and len(here["steps"]) != len(whole["steps"]):
            compared = tuple({**side, "steps": None} for side in compared)
        assert compared[0] == compared[1], (path, selection)
    assert read > FAMILIES / 2


def _read(path: str, selection: list[str] | None) -> dict[str, Any]:
    try:
        pipeline = Pipeline.read(path)
        if selection is not None:
            pipeline = pipeline.select(selection)
    except PachonError as error:
        return {"error": str(error)}
    text = pipeline.to_yaml()
    assert Pipeline.from_yaml(text).to_yaml() == text
    steps = [{"label": step.label, "dimensions": sorted(step.dimensions)} for step in pipeline.steps]
    return {**yaml.safe_load(text), "steps": steps}


def _compared(document: dict[str, Any]) -> dict[str, Any]:
    """Give what a document says, whichever way it is written."""
    contracts = [
        (contract, "") if isinstance(contract, str) else (contract["contract"], contract.get("msg") or "")
        for contract in document.get("contracts", [])
    ]
    return {
        "description": document["description"].strip(),
        "instrument": document.get("instrument"),
        "parameters": document.get("parameters") or {},
        "tasks": {
            label: (task["class"], [_block(block) for block in task.get("config") or []])
            for label, task in document.get("tasks", {}).items()
        },
        "subsets": {
            name: (sorted(subset["subset"]), subset.get("description") or "")
            for name, subset in document.get("subsets", {}).items()
        },
        "contracts": sorted(contracts),
        "steps": document["steps"],
    }


def _block(block: dict[str, Any]) -> dict[str, Any]:
    files = block.get("file") or []
    changed = {
        "python": (block.get("python") or "").strip(),
        "file": [files] if isinstance(files, str) else list(files),
        "dataId": block.get("dataId") or {},
    }
    return {**block, **changed}
