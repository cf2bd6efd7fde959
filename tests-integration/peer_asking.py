# SPDX-License-Identifier: BSD-3-Clause
"""Asking LSST's packages: a script that the interpreter of their environment runs, with a document each way."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

__all__ = ["PEER", "ask_peer"]

TOP = Path(__file__).resolve().parents[1]
PEER = Path(os.environ.get("PACHON_PEER_ENVIRONMENT", TOP / ".environments" / "peer")) / "bin" / "python"
"""The interpreter of LSST's packages, which need not be there."""


def ask_peer(script: Path, document: Any, folder: Path) -> Any:
    """Run a script, which finds those of ``tools``, on a document in a folder, and give its answer."""
    (folder / "in.json").write_text(json.dumps(document))
    # Our own packages must not be found by an interpreter that has LSST's.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    kept["PYTHONPATH"] = str(TOP / "tools")
    command = [str(PEER), str(script), str(folder / "in.json"), str(folder / "out.json")]
    done = subprocess.run(command, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads((folder / "out.json").read_text())
