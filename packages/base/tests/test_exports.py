# SPDX-License-Identifier: BSD-3-Clause
import importlib
import subprocess
import sys
import types

import pytest

from pachon.base import lazy_exports


@pytest.mark.parametrize("module", ["pachon.base", "pachon.base.cli", "pachon.base.testing"])
def test_all_names_exist_and_are_all_there_is(module: str) -> None:
    package = importlib.import_module(module)
    assert list(package.__all__) == sorted(package.__all__, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package.__all__) <= set(dir(package))
    exposed = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType) and name != "TYPE_CHECKING"
    }
    assert exposed <= {*package.__all__, "lazy_exports"}


def test_unknown_name_is_an_attribute_error() -> None:
    get, _ = lazy_exports("pachon.base", {})
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        get("nothing")


def test_target_may_name_another_attribute() -> None:
    get, names = lazy_exports("pachon.base", {"nearest": "pachon.base.suggest:closest"})
    assert get("nearest")("vist", ["visit"]) == " Did you mean 'visit'?"
    assert "nearest" in names()
    delattr(sys.modules["pachon.base"], "nearest")


def test_a_name_that_is_also_a_module_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'suggest' of 'pachon\.base' is also that of its module"):
        lazy_exports("pachon.base", {"suggest": "pachon.base.suggest"})


def test_importing_the_package_is_cheap() -> None:
    code = "import sys, pachon.base; print([m for m in ('logging', 'click', 'rich', 'difflib') if m in sys.modules])"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert output.stdout.strip() == "[]"
