# SPDX-License-Identifier: BSD-3-Clause
"""What LSST's packages read in pipeline files; run by the interpreter of an environment that has them.

usage: peer_documents.py IN.json OUT.json

IN holds a list of ``[path, selection or null]``. OUT gets for each the pipeline with its imports, or ``error``.
"""

import json
import sys
from pathlib import Path
from typing import Any

from lsst.pipe.base.pipelineIR import PipelineIR


def read(path: str, selection: list[str] | None) -> dict[str, Any]:
    """Read a pipeline, and keep what is selected."""
    try:
        pipeline = PipelineIR.from_uri(path)
        if selection is not None:
            pipeline = pipeline.subset_from_labels(set(selection))
    except (ValueError, KeyError, TypeError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    steps = [{"label": step.label, "dimensions": sorted(step.dimensions)} for step in pipeline.steps]
    return {**pipeline.to_primitives(), "steps": steps}


if __name__ == "__main__":
    asked = json.loads(Path(sys.argv[1]).read_text())
    Path(sys.argv[2]).write_text(json.dumps([read(*pair) for pair in asked], default=sorted))
