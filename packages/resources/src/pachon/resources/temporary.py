# SPDX-License-Identifier: BSD-3-Clause
"""Names for files that are gone soon."""

import os
import secrets
import tempfile
from functools import cache

__all__ = ["temporary_folder", "temporary_name"]

VARIABLES = ("PACHON_RESOURCES_TMPDIR", "LSST_RESOURCES_TMPDIR", "TMPDIR")


@cache
def temporary_folder() -> str:
    """Give the folder for temporary files: the first of the variables that names an existing one, else the system's."""
    for variable in VARIABLES:
        folder = os.environ.get(variable)
        if folder and os.path.isdir(folder):
            return os.path.abspath(folder)
    return tempfile.gettempdir()


def temporary_name(suffix: str = "") -> str:
    """Give a name that nobody else has, from the random numbers of the operating system (so also after a fork)."""
    return f"{secrets.token_hex(8)}{suffix}"
