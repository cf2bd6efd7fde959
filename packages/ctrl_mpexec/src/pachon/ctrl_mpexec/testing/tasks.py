# SPDX-License-Identifier: BSD-3-Clause
"""Tasks on dictionaries of numbers: a chain with a calibration, a scatter and a gather, and ways to misbehave."""

from __future__ import annotations

import ctypes
import logging
import logging.config
import os
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

from pachon.pipe_base import (
    AlgorithmError,
    AnnotatedPartialOutputsError,
    InvalidQuantumError,
    NoWorkFound,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    QuantumContext,
    RepeatableQuantumError,
    Struct,
)
from pachon.pipe_base.connections import Input, Output, PrerequisiteInput, QuantumRefs

__all__ = ["CorrectTask", "GatherTask", "HookedTask", "VisitTask"]

_DETECTOR = ("instrument", "exposure", "detector")
_VISIT = ("instrument", "visit", "detector")


class CorrectConnections(PipelineTaskConnections, dimensions=_DETECTOR):
    """Raw number minus bias."""

    raw = Input(name="raw", storage_class="StructuredDataDict", dimensions=_DETECTOR, doc="a number")
    bias = PrerequisiteInput(
        name="bias", storage_class="StructuredDataDict", dimensions=("instrument", "detector"), is_calibration=True
    )
    corrected = Output(name="corrected", storage_class="StructuredDataDict", dimensions=_DETECTOR, doc="raw - bias")


class CorrectConfig(PipelineTaskConfig, connections=CorrectConnections):
    """What goes wrong, and for which exposure."""

    fail: str = ""
    """``exception``, ``late`` (after the output is written), ``misspelled`` or ``nothing`` (output), or what `_misbehave` knows."""
    fail_exposure: int = -1
    pause: float = 0.0
    """Seconds that each quantum takes, with ``fail`` = ``pause``."""
    factor: int = 1


class CorrectTask(PipelineTask):
    """Subtract the bias, or fail as told."""

    config_class = CorrectConfig
    default_name = "correct"

    def run_quantum(self, context: QuantumContext, inputs: QuantumRefs, outputs: QuantumRefs) -> None:
        """Run, and perhaps fail after all is written."""
        super().run_quantum(context, inputs, outputs)
        if self.config.fail == "late" and context.data_id["exposure"] == self.config.fail_exposure:
            raise ValueError("told to fail late")

    def run(self, *, raw: dict[str, Any], bias: dict[str, Any], data_id: Any) -> Struct:
        """Subtract."""
        self.log.info("Correcting %s", data_id)
        if self.config.fail == "pause":
            time.sleep(self.config.pause)
        elif data_id["exposure"] == self.config.fail_exposure:
            _misbehave(self.config.fail)
        self.metadata["bias"] = bias["value"]
        if data_id["exposure"] == self.config.fail_exposure and self.config.fail == "misspelled":
            return Struct(correctd={"value": 0})
        if data_id["exposure"] == self.config.fail_exposure and self.config.fail == "nothing":
            return Struct()
        return Struct(corrected={"value": (raw["value"] - bias["value"]) * self.config.factor, "folder": os.getcwd()})


class AloneTask(CorrectTask):
    """The same, but not in a worker."""

    default_name = "alone"
    can_multiprocess = False


class OddError(AlgorithmError):
    """An exception that can neither be sent nor be stored as it is."""

    @property
    def metadata(self) -> dict[str, Any]:
        """Numbers of numpy, and a function."""
        return {"number": np.float32(0.5), "array": np.arange(2), "function": lambda: None}

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Cancelled(BaseException):
    """What libraries raise that want nobody to catch it."""


_KEPT: list[int] = []
"""Files that a task has forgotten to close."""


def _misbehave(kind: str) -> None:
    match kind:
        case "exception":
            raise ValueError("told to fail")
        case "odd":
            raise OddError
        case "log":
            logging.getLogger("pachon").warning("%d apples", "some")
        case "repeatable":
            raise RepeatableQuantumError("told to fail again")
        case "invalid":
            raise InvalidQuantumError("told to stop everything")
        case "no_work":
            raise NoWorkFound("told to find nothing")
        case "partial":
            raise AnnotatedPartialOutputsError("told to make a part") from ValueError("the other part")
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            sys.exit(7)
        case "sleep":
            time.sleep(60)
        case "mess":
            os.environ["PACHON_TEST_MESS"] = "1"
            os.chdir("/")
            os.umask(0o077)
            sys.path.insert(0, "/nowhere")
            logging.getLogger("pachon").setLevel(logging.CRITICAL)
            logging.disable(logging.CRITICAL)
            logging.config.dictConfig({"version": 1})
            np.seterr(all="raise")
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            sys.stdout = None
        case "lost folder":
            folder = tempfile.mkdtemp()
            os.chdir(folder)
            os.rmdir(folder)
        case "segfault":
            ctypes.string_at(0)
        case "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                time.sleep(1)
        case "fork":
            # The child comes back here as well, and goes on as if it were the task.
            os.fork()
        case "orphan":
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        case "fork and wait":
            child = os.fork()
            if child == 0:
                sys.exit(5)
            if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 5:
                raise ValueError("the child did not exit as it wanted to")
        case "cancelled":
            raise Cancelled("told to stop")
        case "odd name":
            logging.getLogger("pachon").warning("no such file: %s", os.fsdecode(b"a\xff.fits"))
        case "odd error":
            raise ValueError(os.fsdecode(b"a\xff.fits"))
        case "long error":
            raise ValueError("z" * 50_000_000)
        case "print":
            for _ in range(100):
                print("x" * 1_000_000)
        case "many logs":
            for number in range(30_000):
                logging.getLogger("pachon.test").info("message %d", number)
            logging.getLogger("pachon.test").info("y" * 50_000_000)
        case "files":
            _KEPT.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(600))
        case "memory":
            raise MemoryError("no more")
        case "hog":
            kept = np.ones(40_000_000)
            time.sleep(1.5)
            kept.fill(0)


class VisitConnections(PipelineTaskConnections, dimensions=_VISIT):
    """From exposures to visits."""

    corrected = Input(name="corrected", storage_class="StructuredDataDict", dimensions=_DETECTOR)
    image = Output(name="visit_image", storage_class="StructuredDataDict", dimensions=_VISIT)


class VisitConfig(PipelineTaskConfig, connections=VisitConnections):
    """Nothing to choose."""


class VisitTask(PipelineTask):
    """Pass the number on."""

    config_class = VisitConfig
    default_name = "visit"

    def run(self, *, corrected: dict[str, Any]) -> Struct:
        """Pass on."""
        return Struct(image={"value": corrected["value"]})


class GatherConnections(PipelineTaskConnections, dimensions=("instrument", "visit")):
    """All detectors of a visit."""

    images = Input(
        name="visit_image", storage_class="StructuredDataDict", dimensions=_VISIT, multiple=True, defer_load=True
    )
    total = Output(name="visit_total", storage_class="StructuredDataDict", dimensions=("instrument", "visit"))


class GatherConfig(PipelineTaskConfig, connections=GatherConnections):
    """Nothing to choose."""


class GatherTask(PipelineTask):
    """Add the numbers of all detectors."""

    config_class = GatherConfig
    default_name = "gather"

    def run(self, *, images: list[Any]) -> Struct:
        """Add."""
        return Struct(total={"value": sum(image.get()["value"] for image in images), "count": len(images)})


class HookedConnections(VisitConnections, dimensions=_VISIT):
    """With a hook for all quanta together."""

    def adjust_all_quanta(self, adjuster: Any) -> None:
        """Leave the first visit out."""
        for data_id in adjuster.iter_data_ids():
            if data_id["visit"] == 1:
                adjuster.remove_quantum(data_id)


class HookedConfig(VisitConfig, connections=HookedConnections):
    """Nothing to choose."""


class HookedTask(VisitTask):
    """Pass the number on, with a hook."""

    config_class = HookedConfig
    default_name = "hooked"
