# SPDX-License-Identifier: BSD-3-Clause
"""Which storage a URL belongs to."""

import os
import threading
from collections.abc import Callable
from typing import cast

from pachon.base import NotFoundError, closest, load_plugin, plugin_names
from pachon.resources.backend import Backend
from pachon.resources.errors import UnknownSchemeError
from pachon.resources.local import LOCAL
from pachon.resources.url import Url

__all__ = ["GROUP", "backend_for"]

GROUP = "pachon.resources"
"""Entry points: a scheme, and a function that gives the `Backend` for the host or bucket of a URL."""

_LABELS = {"mem": "it labels a dataset that is kept in memory, and has no bytes of its own"}

_backends: dict[tuple[str, str], Backend] = {}
_lock = threading.Lock()


def backend_for(url: Url) -> Backend:
    """Give the storage of a URL. It is opened once a process for each host or bucket.

    Raises
    ------
    UnknownSchemeError
        Neither a plug-in nor fsspec knows the scheme.
    """
    if url.scheme in ("file", ""):
        return LOCAL
    key = (url.scheme, url.netloc)
    with _lock:
        backend = _backends.get(key)
        if backend is None:
            backend = _backends[key] = _open(url)
    return backend


def _open(url: Url) -> Backend:
    if url.scheme in _LABELS:
        raise UnknownSchemeError(f"{url.shown} cannot be read or written: {_LABELS[url.scheme]}.")
    try:
        plugin = cast(Callable[[str], Backend], load_plugin(GROUP, url.scheme))
    except NotFoundError:
        return _open_by_fsspec(url)
    return plugin(url.netloc)


def _open_by_fsspec(url: Url) -> Backend:
    from fsspec import available_protocols  # 70 ms, for unusual schemes

    from pachon.resources.fsspec_backend import open_any

    if url.scheme not in available_protocols():
        known = sorted({*plugin_names(GROUP), *available_protocols()})
        raise UnknownSchemeError(f"{url.shown} has the unknown scheme {url.scheme!r}.{closest(url.scheme, known)}")
    return open_any(url)


def _forget() -> None:
    """Drop clients in a forked child: their threads and connections stayed with the parent."""
    global _lock
    _lock = threading.Lock()
    _backends.clear()


os.register_at_fork(after_in_child=_forget)
