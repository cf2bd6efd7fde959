# SPDX-License-Identifier: BSD-3-Clause
import uuid
from collections.abc import Iterator

import pytest

from pachon.resources import ResourcePath, backends
from pachon.resources.testing import ResourceSuite

moto_server = pytest.importorskip("moto.server", reason="the S3 server for tests is not installed (extra test-s3)")
s3fs = pytest.importorskip("s3fs", reason="the extra s3 is not installed")


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"{host}:{port}"
    server.stop()


class TestS3(ResourceSuite):
    removal_tells_missing = False

    @pytest.fixture
    def folder(self, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ResourcePath]:
        monkeypatch.setenv("PACHON_S3_PROFILE_tests", f"http://key:se%2Fcret@{s3_server}")
        bucket = f"bucket-{uuid.uuid4()}"
        s3fs.S3FileSystem(endpoint_url=f"http://{s3_server}", key="key", secret="se/cret").mkdir(bucket)
        yield ResourcePath(f"s3://tests@{bucket}/the%20folder/")
        backends._backends.clear()
