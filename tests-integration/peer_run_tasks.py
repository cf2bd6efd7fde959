# SPDX-License-Identifier: BSD-3-Clause
"""Tasks made of descriptions (`random_runs`), for LSST's packages. The variable ``DESCRIBED_TASKS`` names a folder with
``tasks.json`` and ``behaviour.json``.
"""

import json
import os
import types
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from lsst.pipe.base import (
    AlgorithmError,
    AnnotatedPartialOutputsError,
    InvalidQuantumError,
    NoWorkFound,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    RepeatableQuantumError,
    UnprocessableDataError,
    UpstreamFailureNoWorkFound,
)
from lsst.pipe.base import connectionTypes as ct  # noqa: N813  # as its users write it

KIND = "StructuredDataDict"
FOLDER = Path(os.environ["DESCRIBED_TASKS"])


class OwnError(AlgorithmError):
    @property
    def metadata(self) -> dict[str, Any]:
        return {"number": 1}


class OwnUnprocessableError(UnprocessableDataError):
    @property
    def metadata(self) -> dict[str, Any]:
        return {"number": 2}


RAISED = {
    "error": ValueError,
    "repeatable": RepeatableQuantumError,
    "algorithm": OwnError,
    "no work": NoWorkFound,
    "upstream": UpstreamFailureNoWorkFound,
    "unprocessable": OwnUnprocessableError,
    "invalid": InvalidQuantumError,
}


class DescribedTask(PipelineTask):
    """Write a number made of what was read, as much as told, and raise what is told."""

    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:  # noqa: N802, N803
        label = self.getName()
        data_id = dict(butlerQC.quantum.dataId.required)
        key = ",".join(f"{n}={data_id[n]}" for n in ("exposure", "visit", "detector") if n in data_id)
        behaviour = json.loads((FOLDER / "behaviour.json").read_text())
        write, raised = behaviour.get(label, {}).get(key, ["all", ""])
        found = {}
        for name, value in butlerQC.get(inputRefs).items():
            found[name] = sorted(one["value"] for one in value) if isinstance(value, list) else value["value"]
        value = zlib.crc32(f"{label} {key} {sorted(found.items())}".encode())
        refs = [
            ref
            for _, found in sorted(outputRefs)
            for ref in sorted(
                found if isinstance(found, list | tuple) else [found],
                key=lambda ref: sorted(ref.dataId.required.items()),
            )
        ]
        for number, ref in enumerate(refs[: {"all": None, "some": 1, "none": 0}[write]]):
            butlerQC.put({"value": value + number}, ref)
        if raised == "partial":
            error = ValueError("told to make a part")
            raise AnnotatedPartialOutputsError.annotate(error, self, log=self.log) from error
        if raised:
            raise RAISED[raised](f"told to: {raised}")


def _hook(wanted: int) -> Any:
    def adjust(self: Any, inputs: Any, outputs: Any, label: str, data_id: Any) -> Any:
        changed = super(type(self), self).adjustQuantum(inputs, outputs, label, data_id)
        if len(inputs["in0"][1]) < wanted:
            raise NoWorkFound("too few for the hook")
        return changed

    return adjust


@cache
def _made(label: str) -> dict[str, Any]:
    (task,) = (t for t in json.loads((FOLDER / "tasks.json").read_text()) if t["label"] == label)
    made: dict[str, Any] = {}
    for kind, name in ((ct.Input, "inputs"), (ct.Output, "outputs")):
        for given in task[name]:
            options = {n: v for n, v in given.items() if n != "attribute"}
            made[given["attribute"]] = kind(doc="d", storageClass=KIND, **options)
    if task["hook"]:
        made["adjustQuantum"] = _hook(task["hook"])
    connections = types.new_class(
        f"{label}Connections",
        (PipelineTaskConnections,),
        {"dimensions": set(task["dimensions"])},
        lambda space: space.update(made, __module__=__name__),
    )
    config = type(f"{label}Config", (PipelineTaskConfig,), {"__module__": __name__}, pipelineConnections=connections)
    members = {"ConfigClass": config, "_DefaultName": label, "__module__": __name__}
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
