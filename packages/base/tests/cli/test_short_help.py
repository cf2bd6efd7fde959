# SPDX-License-Identifier: BSD-3-Clause
import sys

from pachon.base.cli.short_help import find_short_help, find_source


def test_source_is_found_without_import(install) -> None:
    install("deep", "g", {}, {"deep_pkg.inner.cmd": '"""Module words."""\n', "deep_pkg.__init__": "raise ImportError"})
    source = find_source("deep_pkg.inner.cmd")
    assert source is not None
    assert source.name == "cmd.py"
    assert "deep_pkg" not in sys.modules
    assert find_short_help("deep_pkg.inner.cmd", "cmd") == "Module words"


def test_what_has_no_source_has_no_help() -> None:
    assert find_short_help("no_such_module.at.all", "cmd") == ""
    assert find_short_help("sys", "cmd") == ""
    assert find_short_help("pachon.base.entry_points", "no_such_function").startswith("Entry points read")
