# SPDX-License-Identifier: BSD-3-Clause
"""Signatures and passwords in URIs are told to nobody."""

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
