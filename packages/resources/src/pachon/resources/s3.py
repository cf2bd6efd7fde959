# SPDX-License-Identifier: BSD-3-Clause
"""S3 and stores that speak like it, with several endpoints by profile: ``s3://profile@bucket/key``."""

import os
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from pachon.base import InvalidInputError
from pachon.resources.backend import Backend
from pachon.resources.fsspec_backend import FsspecBackend, make_filesystem
from pachon.resources.url import Url

__all__ = ["open_s3", "s3_options"]


def s3_options(profile: str) -> dict[str, Any]:
    """Give the options of s3fs for a profile, from the environment.

    The endpoint is ``PACHON_S3_PROFILE_<profile>``, else ``LSST_RESOURCES_S3_PROFILE_<profile>``, else
    ``S3_ENDPOINT_URL``, ``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL``, else Amazon's. It may hold keys
    (``https://key:secret@host``); without them the profile names a section of the AWS credentials file. A request is tried 10
    times, or as ``AWS_MAX_ATTEMPTS`` says.
    """
    names = [f"PACHON_S3_PROFILE_{profile}", f"LSST_RESOURCES_S3_PROFILE_{profile}"] if profile else []
    names += ["S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
    endpoint = next((os.environ[name] for name in names if os.environ.get(name)), None)
    options: dict[str, Any] = {
        "config_kwargs": {"read_timeout": 180, "retries": {"max_attempts": _attempts(), "mode": "adaptive"}}
    }
    if endpoint is None:
        return options | ({"profile": profile} if profile else {})
    parts = urlsplit(endpoint)
    if not parts.scheme or not parts.hostname:
        raise InvalidInputError(f"The S3 endpoint {parts.hostname or parts.path!r} of the environment is no URL.")
    host = parts.netloc.rpartition("@")[2]
    options["endpoint_url"] = urlunsplit((parts.scheme, host, parts.path, "", ""))
    if parts.username and parts.password:
        return options | {"key": unquote(parts.username), "secret": unquote(parts.password)}
    return options | ({"profile": profile} if profile else {})


def _attempts() -> int:
    text = os.environ.get("AWS_MAX_ATTEMPTS") or "10"
    if not text.isdecimal() or int(text) < 1:
        raise InvalidInputError(f"AWS_MAX_ATTEMPTS is a number of attempts, not {text!r}.")
    return int(text)


def _key(url: Url) -> str:
    return url.netloc.rpartition("@")[2] + url.unquoted_path


def open_s3(netloc: str) -> Backend:
    """Give the store that a bucket of a profile is in."""
    profile, _, bucket = netloc.rpartition("@")
    if not bucket:
        raise InvalidInputError("An s3 URI must name a bucket: s3://bucket/key.")
    return FsspecBackend(make_filesystem("s3", "s3", **s3_options(profile)), key=_key, creates_exclusively=True)
