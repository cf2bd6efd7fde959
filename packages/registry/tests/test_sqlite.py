# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest

from pachon.registry.testing.registry_suite import RegistrySuite


class TestSqlite(RegistrySuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/registry.sqlite3"
