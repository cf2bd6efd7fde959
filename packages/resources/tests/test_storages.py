# SPDX-License-Identifier: BSD-3-Clause
import uuid
from pathlib import Path

import pytest

from pachon.resources import ResourcePath
from pachon.resources.testing import ResourceSuite


class TestLocal(ResourceSuite):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> ResourcePath:
        return ResourcePath(tmp_path / "the folder", force_directory=True)


class TestMemory(ResourceSuite):
    @pytest.fixture
    def folder(self) -> ResourcePath:
        return ResourcePath(f"memory://{uuid.uuid4()}/the%20folder/")


class TestAnyOfFsspec(ResourceSuite):
    """A scheme that has no plug-in of its own."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> ResourcePath:
        (tmp_path / "other").mkdir()
        return ResourcePath(f"local://{tmp_path}/other/")
