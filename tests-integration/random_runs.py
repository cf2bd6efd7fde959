# SPDX-License-Identifier: BSD-3-Clause
"""Made-up pipelines that are run, and what their quanta do, as plain values: two systems can be given the same.

A task is a mapping: ``label``, ``dimensions``, ``inputs`` and ``outputs`` (lists of mappings with the options of connections),
``hook`` (so many datasets of its first input does a quantum want, says a hook; 0: there is no hook) and ``log`` (whether logs are
kept). What quanta do is a mapping of labels to data IDs (`key`) to ``[how much is written, exception]``: all, some (the first
output alone) or none, then an exception of `EXCEPTIONS` or an empty text.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

__all__ = ["DETECTORS", "EXCEPTIONS", "EXPOSURES", "key", "random_behaviour", "random_commands", "random_tasks"]

EXPOSURES, DETECTORS = (1, 2, 3), (0, 1)
_EXPOSURE = ["instrument", "exposure", "detector"]
_VISIT = ["instrument", "visit", "detector"]
DIMENSIONS = (_EXPOSURE, _VISIT, _VISIT, ["instrument", "visit"], ["instrument", "detector"], ["instrument"])
EXCEPTIONS = {
    "error": "ValueError",
    "repeatable": "RepeatableQuantumError",
    "algorithm": "an AlgorithmError",
    "partial": "AnnotatedPartialOutputsError from a ValueError",
    "no work": "NoWorkFound",
    "upstream": "UpstreamFailureNoWorkFound",
    "unprocessable": "UnprocessableDataError",
    "invalid": "InvalidQuantumError",
}
_USUAL = [name for name in EXCEPTIONS if name != "invalid"]


def random_tasks(rng: random.Random, prefix: str) -> list[dict[str, Any]]:
    """Make up a pipeline of three to five tasks, each of which reads what one before it writes, or the raws."""
    known: list[tuple[str, list[str]]] = [("raw", _EXPOSURE)]
    tasks = []
    for number in range(rng.randint(3, 5)):
        label = f"{prefix}t{number}"
        dimensions = _EXPOSURE if number == 0 else rng.choice(DIMENSIONS)
        chosen = rng.sample(known, min(len(known), rng.choice([1, 1, 2, 3])))
        if number and chosen[0] == known[0]:
            chosen[0] = known[-1]
        inputs = []
        for place, (name, found) in enumerate(dict(chosen).items()):
            multiple = not set(found) <= set(dimensions)
            minimum = rng.choice([0, 1, 1, 2] if multiple and place == 0 else [0, 1, 1])
            inputs.append(
                {"attribute": f"in{place}", "name": name, "dimensions": found, "multiple": multiple, "minimum": minimum}
            )
        outputs = []
        for place in range(rng.choice([1, 1, 2])):
            wider = [d for d in DIMENSIONS if set(dimensions) < set(d)]
            found = rng.choice(wider) if wider and rng.random() < 0.3 else dimensions
            outputs.append(
                {
                    "attribute": f"out{place}",
                    "name": f"{label}_out{place}",
                    "dimensions": found,
                    "multiple": found != dimensions,
                }
            )
        tasks.append(
            {
                "label": label, "dimensions": dimensions, "inputs": inputs, "outputs": outputs,
                "hook": 2 if inputs[0]["multiple"] and rng.random() < 0.3 else 0, "log": rng.random() < 0.9,
            }
        )  # fmt: skip
        known.extend((one["name"], one["dimensions"]) for one in outputs)
    return tasks


def key(data_id: Mapping[str, Any]) -> str:
    """Name a data ID as a text, of its required values other than the instrument."""
    return ",".join(f"{name}={data_id[name]}" for name in ("exposure", "visit", "detector") if name in data_id)


def _data_ids(dimensions: list[str]) -> list[dict[str, int]]:
    found: list[dict[str, int]] = [{}]
    for name, values in (("exposure", EXPOSURES), ("visit", EXPOSURES), ("detector", DETECTORS)):
        if name in dimensions:
            found = [{**data_id, name: value} for data_id in found for value in values]
    return found


def random_behaviour(
    rng: random.Random, tasks: list[dict[str, Any]], share: float, *, invalid: bool = False
) -> dict[str, dict[str, list[str]]]:
    """Make up what goes wrong in about a share of the quanta; with ``invalid`` one of them says that all is wrong."""
    made: dict[str, dict[str, list[str]]] = {}
    for task in tasks:
        made[task["label"]] = {
            key(data_id): [rng.choice(["all", "some", "none"]), rng.choice(["", *_USUAL])]
            for data_id in _data_ids(task["dimensions"])
            if rng.random() < share
        }
    if invalid:
        task = rng.choice(tasks)
        made[task["label"]][key(rng.choice(_data_ids(task["dimensions"])))] = ["some", "invalid"]
    return made


def random_commands(rng: random.Random, tasks: list[dict[str, Any]], *, invalid: bool = False) -> list[dict[str, Any]]:
    """Make up how a pipeline is run again and again: each with options, and with what goes wrong this time.

    The quanta that fail become fewer, but those that were done may be others in another run.
    """
    partial = rng.choice([[], ["--no-raise-on-partial-outputs"]])
    again = ["--extend-run", "--clobber-outputs"]
    skip = rng.choice([["--skip-existing-in", "out"], ["--skip-existing-in", "out/a"], []])
    stop = ["--fail-fast"] if rng.random() < 0.2 else []
    steps: list[tuple[list[str], float]] = [
        (["--output-run", "out/a", *partial, *stop], 0.25),
        (["--output-run", "out/a", *again, *partial], 0.1),
        (["--output-run", "out/a", *again], 0),
        (["--output-run", "out/b", *skip], 0.15),
        (["--output-run", "out/b", *again, *skip], 0.0),
        (["--output-run", "out/b", *again, *skip], 0.0),
    ]
    return [
        {"options": options, "behaviour": random_behaviour(rng, tasks, share, invalid=invalid and number == 0)}
        for number, (options, share) in enumerate(steps)
    ]
