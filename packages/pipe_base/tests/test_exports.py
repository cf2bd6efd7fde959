# SPDX-License-Identifier: BSD-3-Clause
import importlib
import subprocess
import sys

import pytest

PACKAGES = ["", ".config", ".connections", ".pipeline", ".pipeline_graph", ".testing"]


@pytest.mark.parametrize("name", PACKAGES)
def test_all_names_are_there(name: str) -> None:
    package = importlib.import_module(f"pachon.pipe_base{name}")
    assert sorted(package.__all__) == sorted(set(package.__all__))
    for exported in package.__all__:
        assert getattr(package, exported) is not None
    assert set(package.__all__) <= set(dir(package))


def test_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, pachon.pipe_base; "
        "print(sorted(m for m in ('pydantic', 'numpy', 'networkx', 'yaml', 'astropy', 'sqlalchemy', "
        "'pachon.registry') if m in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"


def test_tasks_and_pipelines_need_no_registry() -> None:
    code = (
        "import sys; from pachon.pipe_base import *; "
        "print(sorted(m for m in ('networkx', 'astropy', 'sqlalchemy', 'pachon.registry', 'matplotlib') "
        "if m in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"
