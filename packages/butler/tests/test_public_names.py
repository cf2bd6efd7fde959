# SPDX-License-Identifier: BSD-3-Clause
import json
import subprocess
import sys

import pachon.butler


def test_public_names_exist_and_are_all_listed() -> None:
    for name in pachon.butler.__all__:
        assert getattr(pachon.butler, name) is not None
    assert set(pachon.butler.__all__) <= set(dir(pachon.butler))
    assert pachon.butler.__all__ == sorted(pachon.butler.__all__, key=lambda n: (n[0].islower(), n))


def test_importing_the_butler_is_cheap() -> None:
    code = "import sys, json; from pachon.butler import Butler; print(json.dumps(sorted(sys.modules)))"
    loaded = set(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout))
    heavy = {"sqlalchemy", "numpy", "astropy", "pyarrow", "pandas", "pydantic", "yaml", "lsst.sphgeom", "fsspec"}
    assert not heavy & loaded
