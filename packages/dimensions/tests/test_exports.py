# SPDX-License-Identifier: BSD-3-Clause
import subprocess
import sys

import pachon.dimensions


def test_all_names_exist():
    for name in pachon.dimensions.__all__:
        assert getattr(pachon.dimensions, name) is not None
    assert list(pachon.dimensions.__all__) == sorted(
        pachon.dimensions.__all__, key=lambda n: (not n.isupper(), n[0].islower(), n)
    )


def test_import_is_cheap_and_leaves_astropy_out():
    code = (
        "import sys, pachon.dimensions as d; early = {'numpy', 'pydantic', 'yaml'} & set(sys.modules);"
        "assert not early, early; d.DimensionUniverse.default(); assert 'astropy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
