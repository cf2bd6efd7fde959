# SPDX-License-Identifier: BSD-3-Clause
import pkgutil
import subprocess
import sys

import pytest

import pachon.pipe_tasks
import pachon.pipe_tasks.testing

HEAVY = ("astropy", "ccdproc", "matplotlib", "photutils", "reproject", "scipy", "sep", "sqlalchemy")


@pytest.mark.parametrize("package", [pachon.pipe_tasks, pachon.pipe_tasks.testing])
def test_all_names_are_there(package):
    assert list(package.__all__) == sorted(
        package.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name)
    )
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError):
        package.nothing  # noqa: B018


@pytest.mark.parametrize("package", [pachon.pipe_tasks, pachon.pipe_tasks.testing])
def test_no_name_is_that_of_a_module(package):
    """An import of the module would hide the name."""
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert not modules & set(package.__all__)


def test_a_graph_is_made_without_the_heavy_libraries():
    code = (
        "import sys\n"
        "from pachon.pipe_base import Pipeline\n"
        "Pipeline.read('resource://pachon.pipe_tasks/pipelines/science.yaml').to_graph()\n"
        "Pipeline.read('resource://pachon.pipe_tasks/pipelines/calibration.yaml').to_graph()\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
