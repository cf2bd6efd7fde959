# SPDX-License-Identifier: BSD-3-Clause
"""Signatures and passwords in URIs are told to nobody."""

from collections.abc import Callable

import pytest

from pachon.base import PachonError
from pachon.resources import ResourcePath

SIGNED = "http://user:hunter2@127.0.0.1:1/bucket/file.yaml?X-Amz-Signature=abcdef&X-Amz-Credential=key"


def test_the_text_for_messages_has_no_secret() -> None:
    path = ResourcePath(SIGNED)
    assert path.geturl() == SIGNED
    assert repr(path) == "ResourcePath('http://127.0.0.1:1/bucket/file.yaml?...')"
    assert repr(ResourcePath("s3://bucket/key#part")) == "ResourcePath('s3://bucket/key#part')"


def test_errors_of_a_storage_have_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with pytest.raises(PachonError) as caught:
        ResourcePath(SIGNED).read()
    for secret in ("hunter2", "abcdef", "X-Amz"):
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)


@pytest.mark.parametrize(
    "act",
    [
        lambda path: path.write(b""),
        lambda path: path.remove(),
        lambda path: list(path.walk()),
        lambda path: path.transfer_from("/etc/hostname", "hardlink"),
        lambda path: path.transfer_from("/etc/hostname", "copy"),
        lambda path: path.ospath,
        lambda path: path.read_range(-1, 2),
        lambda path: ResourcePath(path, force_directory=True).read(),
        lambda path: ResourcePath(path, temporary=True),
        lambda path: ResourcePath(path, force_directory=False).join("x"),
        lambda path: ResourcePath(f"{SIGNED}@twice").join("x") and ResourcePath(SIGNED.replace("http", "httq")).read(),
        lambda path: ResourcePath(SIGNED.replace("user", "a@user")),
        lambda path: ResourcePath(SIGNED.replace("127.0.0.1", "[127")),
    ],
)
def test_refusals_have_no_secret(act: Callable[[ResourcePath], object]) -> None:
    with pytest.raises(PachonError) as caught:
        act(ResourcePath(SIGNED))
    for secret in ("hunter2", "abcdef"):
        assert secret not in str(caught.value)
