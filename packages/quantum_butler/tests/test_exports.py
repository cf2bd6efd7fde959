# SPDX-License-Identifier: BSD-3-Clause
import subprocess
import sys

import pachon.quantum_butler


def test_all_names_exist():
    for name in pachon.quantum_butler.__all__:
        assert getattr(pachon.quantum_butler, name) is not None
    assert list(pachon.quantum_butler.__all__) == sorted(
        pachon.quantum_butler.__all__, key=lambda n: (not n.isupper(), n[0].islower(), n)
    )


def test_import_is_cheap():
    code = (
        "import sys, pachon.quantum_butler; early = {'numpy', 'pydantic', 'yaml', 'fsspec'} & set(sys.modules);"
        "assert not early, early"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_reader_imports_little():
    code = (
        "import sys, numpy; before = set(sys.modules); from pachon.quantum_butler import QuantumGraph;"
        "heavy = {'numpy.ma', 'pyarrow', 'astropy', 'sqlalchemy', 'networkx', 'fsspec', 'pandas'} & (set(sys.modules) - before);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
