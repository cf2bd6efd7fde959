# SPDX-License-Identifier: BSD-3-Clause
import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pachon.base import InvalidInputError
from pachon.resources import (
    ResourceNotFoundError,
    ResourcePath,
    UnknownSchemeError,
    UnsupportedOperationError,
    backends,
    exist_many,
)
from pachon.resources.bulk import worker_count
from pachon.resources.resource_path import read_text
from pachon.resources.s3 import s3_options


def test_package_data() -> None:
    package = ResourcePath("resource://pachon.resources/")
    file = package.join("testing/suite.py")
    assert file.exists()
    assert b"ResourceSuite" in file.read()
    assert file.read_range(2, 4) == file.read()[2:6]
    assert file.size() == len(file.read())
    with file.as_local() as local:
        assert Path(local.ospath).read_bytes() == file.read()
    names = {f"{folder.relative_to(package)}/{name}" for folder, _, files in package.walk(r"\.py$") for name in files}
    assert {"./url.py", "testing/suite.py"} <= names
    assert package.join("testing/").isdir()
    assert not ResourcePath("resource://pachon.resources/nothing.txt").exists()
    assert not ResourcePath("resource://no_such_package/x").exists()
    with pytest.raises(ResourceNotFoundError, match="no package"):
        ResourcePath("resource://no_such_package/x").read()
    with pytest.raises(UnsupportedOperationError, match="scheme 'resource' does not allow it"):
        file.write(b"x")


class _Ranges(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(_Ranges, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
    backends._backends.clear()


def test_web_is_for_reading(web: str, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp", reason="the extra http is not installed")
    (tmp_path / "a b.txt").write_bytes(b"0123456789")
    file = ResourcePath(web).join("a b.txt")
    assert file.exists()
    assert file.read() == b"0123456789"
    with file.as_local() as local:
        assert local.read() == b"0123456789"
    copy = ResourcePath(tmp_path / "copy.txt")
    copy.transfer_from(file, "copy")
    assert copy.read() == b"0123456789"
    missing = ResourcePath(f"{web}nothing.txt")
    assert not missing.exists()
    with pytest.raises(ResourceNotFoundError):
        missing.read()
    for act in (
        lambda: file.write(b"x"),
        lambda: file.write(b"x", overwrite=True),
        file.remove,
        lambda: list(ResourcePath(web).walk()),
        lambda: file.transfer_from(tmp_path / "a b.txt", "copy"),
        lambda: missing.transfer_from(file, "copy"),
    ):
        with pytest.raises(UnsupportedOperationError):
            act()


def test_unknown_scheme() -> None:
    with pytest.raises(UnknownSchemeError, match="Did you mean 's3'"):
        ResourcePath("s33://bucket/x").exists()
    with pytest.raises(NotImplementedError, match="labels a dataset"):
        ResourcePath("mem://x/y").read()


def test_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from pachon.resources import fsspec_backend

    def missing(protocol: str) -> None:
        raise ImportError("Install gcsfs")

    monkeypatch.setattr(fsspec_backend.fsspec, "get_filesystem_class", missing)
    with pytest.raises(UnsupportedOperationError, match=r"pip install 'pachon-resources\[gs\]'"):
        ResourcePath("gs://bucket/x").exists()


def test_how_often_a_request_to_s3_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_MAX_ATTEMPTS", raising=False)
    assert s3_options("")["config_kwargs"]["retries"]["max_attempts"] == 10
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    assert s3_options("")["config_kwargs"]["retries"]["max_attempts"] == 2
    for wrong in ("0", "-1", "many"):
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", wrong)
        with pytest.raises(InvalidInputError, match="AWS_MAX_ATTEMPTS"):
            s3_options("")


def test_s3_options(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("S3_ENDPOINT_URL", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    assert "endpoint_url" not in s3_options("")
    assert s3_options("me")["profile"] == "me"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://aws.example")
    monkeypatch.setenv("S3_ENDPOINT_URL", "https://general.example:9000")
    assert s3_options("")["endpoint_url"] == "https://general.example:9000"
    monkeypatch.setenv("LSST_RESOURCES_S3_PROFILE_me", "https://key:a%2Fb@lsst.example/path")
    options = s3_options("me")
    assert (options["endpoint_url"], options["key"], options["secret"]) == ("https://lsst.example/path", "key", "a/b")
    assert "profile" not in options
    monkeypatch.setenv("PACHON_S3_PROFILE_me", "nonsense")
    with pytest.raises(InvalidInputError, match="no URL"):
        s3_options("me")
    with pytest.raises(InvalidInputError, match="must name a bucket"):
        ResourcePath("s3:///x").exists()


def test_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LSST_RESOURCES_NUM_WORKERS", "3")
    assert worker_count() == 3
    monkeypatch.setenv("PACHON_RESOURCES_NUM_WORKERS", "many")
    with pytest.raises(InvalidInputError, match="must be a positive number, not 'many'"):
        worker_count()


def test_failed_question_is_not_no() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        exist_many([ResourcePath("/"), ResourcePath("s33://b/x")])
    assert isinstance(caught.value.exceptions[0], UnknownSchemeError)


def test_text_by_uri() -> None:
    ResourcePath("memory://options/o.yaml").write("größe".encode(), overwrite=True)
    assert read_text("memory://options/o.yaml") == "größe"


def test_storages_are_opened_again_in_a_child() -> None:
    ResourcePath("memory://fork/x").write(b"x", overwrite=True)
    assert backends._backends
    child = os.fork()
    if child == 0:
        os._exit(0 if not backends._backends else 1)
    assert os.waitpid(child, 0)[1] == 0
