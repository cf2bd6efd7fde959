# SPDX-License-Identifier: BSD-3-Clause
import subprocess
import sys

import pachon.resources


def test_all_names_exist() -> None:
    names = pachon.resources.__all__
    assert set(names) <= set(dir(pachon.resources))
    for name in names:
        assert getattr(pachon.resources, name) is not None


def test_local_files_need_no_storage_library() -> None:
    code = (
        "import sys; from pachon.resources import ResourcePath; ResourcePath('/').exists();"
        "print([m for m in ('fsspec', 's3fs', 'aiohttp', 'logging.config') if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert output.stdout.strip() == "[]"
