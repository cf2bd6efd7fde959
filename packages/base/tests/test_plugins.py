# SPDX-License-Identifier: BSD-3-Clause
import importlib.metadata

import pytest

from pachon.base import ConflictError, NotFoundError, load_plugin, plugin_names
from pachon.base.entry_points import read_entry_points
from pachon.base.plugins import BrokenPluginError


def test_same_entry_points_as_the_standard_library(install) -> None:
    install("first", "console_scripts", {"a": "mod_a:f", "b": "mod_b:g.h [extra]"})
    expected = {(e.name, e.value) for e in importlib.metadata.entry_points(group="console_scripts")}
    assert {(e.name, e.value) for e in read_entry_points("console_scripts")} == expected
    assert ("a", "mod_a:f") in expected


def test_plugins_are_listed_without_import_and_loaded_on_use(install) -> None:
    install(
        "plug",
        "test.group",
        {"two": "plug_mod:TWO", "one": "plug_mod:Box.one"},
        {"plug_mod": "TWO=2\nclass Box: one=1"},
    )
    assert plugin_names("test.group") == ("one", "two")
    assert load_plugin("test.group", "one") == 1
    assert load_plugin("test.group", "two") == 2


def test_unknown_name_suggests(install) -> None:
    install("plug", "test.group", {"parquet": "plug_mod:x"})
    with pytest.raises(NotFoundError, match=r"Did you mean 'parquet'\?"):
        load_plugin("test.group", "parqet")
    assert plugin_names("no.such.group") == ()


@pytest.mark.parametrize("text", ["import no_such_library", "x = ", "y = 1"])
def test_broken_plugin_is_one_clear_error(install, text: str) -> None:
    install("plug", "test.group", {"bad": "broken_mod:x"}, {"broken_mod": text})
    with pytest.raises(
        BrokenPluginError, match=r"Plug-in 'bad' of 'test.group' \(broken_mod:x\) cannot be loaded: \w+Error"
    ):
        load_plugin("test.group", "bad")


def test_two_foreign_providers_are_an_error_only_when_used(install) -> None:
    install("one", "test.group", {"x": "mod_one:x", "y": "mod_one:y"}, {"mod_one": "x = y = 1"})
    install("two", "test.group", {"x": "mod_two:x"}, {"mod_two": "x = 2"})
    assert load_plugin("test.group", "y") == 1
    with pytest.raises(ConflictError, match="mod_two:x and by mod_one:x"):
        load_plugin("test.group", "x")


def test_own_plugin_wins(install) -> None:
    install("foreign", "test.group", {"closest": "foreign_mod:x"}, {"foreign_mod": "x = 2"})
    install("own", "test.group", {"closest": "pachon.base.suggest:closest"})
    assert callable(load_plugin("test.group", "closest"))


def test_first_copy_of_a_distribution_counts(install) -> None:
    install("Plug_In", "test.group", {"old": "m:x"})
    install("plug_in", "test.group", {"new": "m:x"})
    assert plugin_names("test.group") == ("new",)
