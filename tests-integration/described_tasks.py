# SPDX-License-Identifier: BSD-3-Clause
"""Tasks made of descriptions (`random_runs`). The variable ``DESCRIBED_TASKS`` names a folder with ``tasks.json`` and
``behaviour.json``; `peer_run_tasks` makes the same for LSST's packages.
"""

import json
import os
import types
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from pachon.pipe_base import (
    AlgorithmError,
    AnnotatedPartialOutputsError,
    Input,
    InvalidQuantumError,
    NoWorkFound,
    Output,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    QuantumContext,
    QuantumRefs,
    RepeatableQuantumError,
    UnprocessableDataError,
    UpstreamFailureNoWorkFound,
)

KIND = "StructuredDataDict"
FOLDER = Path(os.environ.get("DESCRIBED_TASKS", "."))


class OwnError(AlgorithmError):
    """An algorithm failed."""

    @property
    def metadata(self) -> dict[str, Any]:
        """A number."""
        return {"number": 1}


RAISED: dict[str, type[BaseException]] = {
    "error": ValueError,
    "repeatable": RepeatableQuantumError,
    "algorithm": OwnError,
    "no work": NoWorkFound,
    "upstream": UpstreamFailureNoWorkFound,
    "unprocessable": UnprocessableDataError,
    "invalid": InvalidQuantumError,
}


class DescribedTask(PipelineTask):
    """Write a number made of what was read, as much as told, and raise what is told."""

    def run_quantum(self, context: QuantumContext, inputs: QuantumRefs, outputs: QuantumRefs) -> None:
        """Do it."""
        label = self.name
        data_id = context.data_id.required
        key = ",".join(f"{n}={data_id[n]}" for n in ("exposure", "visit", "detector") if n in data_id)
        behaviour = json.loads((FOLDER / "behaviour.json").read_text())
        write, raised = behaviour.get(label, {}).get(key, ["all", ""])
        read = {}
        for name, value in context.get(inputs).items():
            read[name] = sorted(one["value"] for one in value) if isinstance(value, list) else value["value"]
        value = zlib.crc32(f"{label} {key} {sorted(read.items())}".encode())
        refs = [
            ref
            for _, found in sorted(outputs)
            for ref in sorted(
                found if isinstance(found, list) else [found], key=lambda ref: sorted(ref.data_id.required.items())
            )
        ]
        for number, ref in enumerate(refs[: {"all": None, "some": 1, "none": 0}[write]]):
            context.put({"value": value + number}, ref)
        if raised == "partial":
            error = ValueError("told to make a part")
            raise AnnotatedPartialOutputsError.annotate(error, self.metadata) from error
        if raised:
            raise RAISED[raised](f"told to: {raised}")


def _hook(wanted: int) -> Any:
    def adjust(self: Any, inputs: Any, outputs: Any, label: str, data_id: Any) -> Any:
        changed = super(type(self), self).adjust_quantum(inputs, outputs, label, data_id)
        if len(inputs["in0"][1]) < wanted:
            raise NoWorkFound("too few for the hook")
        return changed

    return adjust


@cache
def _made(label: str) -> dict[str, Any]:
    (task,) = (t for t in json.loads((FOLDER / "tasks.json").read_text()) if t["label"] == label)
    made: dict[str, Any] = {}
    for kind, name in ((Input, "inputs"), (Output, "outputs")):
        for given in task[name]:
            options = {n: v for n, v in given.items() if n != "attribute"}
            made[given["attribute"]] = kind(storage_class=KIND, **options)
    if task["hook"]:
        made["adjust_quantum"] = _hook(task["hook"])
    connections = types.new_class(
        f"{label}Connections",
        (PipelineTaskConnections,),
        {"dimensions": tuple(task["dimensions"])},
        lambda space: space.update(made, __module__=__name__),
    )
    config = type(f"{label}Config", (PipelineTaskConfig,), {"__module__": __name__}, connections=connections)
    members = {"config_class": config, "default_name": label, "__module__": __name__}
    return {
        f"{label}Connections": connections,
        f"{label}Config": config,
        f"{label}Task": type(f"{label}Task", (DescribedTask,), members),
    }


def __getattr__(name: str) -> Any:  # classes are made when somebody asks for them
    for suffix in ("Connections", "Config", "Task"):
        if name.endswith(suffix) and name.startswith("p"):
            return _made(name.removesuffix(suffix))[name]
    raise AttributeError(name)
