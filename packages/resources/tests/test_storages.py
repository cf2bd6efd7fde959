# SPDX-License-Identifier: BSD-3-Clause
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from pachon.resources import ResourcePath, backends
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


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    pytest.importorskip("s3fs", reason="the extra s3 is not installed")
    server_module = pytest.importorskip("moto.server", reason="moto, an S3 server for tests, is not installed")
    server = server_module.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"{host}:{port}"
    server.stop()


class TestS3(ResourceSuite):
    removal_tells_missing = False

    @pytest.fixture
    def folder(self, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ResourcePath]:
        import s3fs

        monkeypatch.setenv("PACHON_S3_PROFILE_tests", f"http://key:se%2Fcret@{s3_server}")
        bucket = f"bucket-{uuid.uuid4()}"
        s3fs.S3FileSystem(endpoint_url=f"http://{s3_server}", key="key", secret="se/cret").mkdir(bucket)
        yield ResourcePath(f"s3://tests@{bucket}/the%20folder/")
        backends._backends.clear()
