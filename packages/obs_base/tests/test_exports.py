# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import subprocess
import sys

import pachon.obs_base


def test_all_names_can_be_had() -> None:
    assert sorted(pachon.obs_base.__all__) == pachon.obs_base.__all__
    for name in pachon.obs_base.__all__:
        assert getattr(pachon.obs_base, name).__name__ == name
    assert set(pachon.obs_base.__all__) <= set(dir(pachon.obs_base))


def test_commands_import_nothing_heavy() -> None:
    code = (
        "import importlib, pkgutil, sys, pachon.obs_base.commands as c\n"
        "for m in pkgutil.iter_modules(c.__path__): importlib.import_module(f'{c.__name__}.{m.name}')\n"
        "print([n for n in ('numpy', 'astropy', 'sqlalchemy', 'pyarrow', 'pydantic') if n in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
