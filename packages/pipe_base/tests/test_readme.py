# SPDX-License-Identifier: BSD-3-Clause
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from pachon.pipe_base.testing import check_connections, run_task


def test_the_example_of_the_readme_runs() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    names: dict[str, object] = {"__name__": "readme_example"}
    exec(found.group(1), names)
    task = names["ThresholdTask"]
    check_connections(task)  # type: ignore[arg-type]
    image = SimpleNamespace(data=np.array([1.0, 9.0]), uncertainty=SimpleNamespace(array=np.ones(2)))
    assert run_task(task, {"image": image}).outputs.mask.tolist() == [False, True]  # type: ignore[arg-type]
