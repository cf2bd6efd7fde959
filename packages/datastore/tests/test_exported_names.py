# SPDX-License-Identifier: BSD-3-Clause
import subprocess
import sys

import pachon.datastore


def test_all_names_load():
    for name in pachon.datastore.__all__:
        assert getattr(pachon.datastore, name) is not None
    assert set(pachon.datastore.__all__) <= set(dir(pachon.datastore))


def test_all_is_what_type_checkers_see():
    with open(pachon.datastore.__file__, encoding="utf-8") as stream:
        lines = [line.strip() for line in stream]
    seen = sorted(line.rpartition(" as ")[2] for line in lines if line.startswith("from pachon.datastore."))
    assert seen == sorted(pachon.datastore.__all__)


def test_heavy_libraries_are_imported_on_use():
    code = (
        "import sys, pachon.datastore as d\n"
        "from pachon.base import plugin_names\n"
        "for name in d.__all__: getattr(d, name)\n"
        "for name in plugin_names('pachon.formatters'):\n"
        "    if name != 'parquet': d.load_formatter(name)\n"
        "    else: d.load_formatter(name)\n"
        "print([m for m in ('astropy', 'pyarrow', 'matplotlib', 'pandas', 'sqlalchemy') if m in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
