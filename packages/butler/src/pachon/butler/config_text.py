# SPDX-License-Identifier: BSD-3-Clause
"""The configuration of a repository as text, as ``butler config-dump`` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from pachon.base import NotFoundError, closest
from pachon.base.hidden_secrets import hide_secrets
from pachon.base.utf8 import decode_text
from pachon.butler.repository_config import RepositoryConfig
from pachon.butler.repository_location import locate_repository
from pachon.butler.repository_settings import iter_settings

__all__ = ["describe_configuration"]


def describe_configuration(root: str, *, subset: str | None = None, origin: bool = False) -> str:
    """Give the merged configuration of a repository, without passwords and signatures.

    Parameters
    ----------
    root
        The repository; its database is not opened.
    subset
        Names of sections joined by a separator, which is the first character: ``.datastore.root``. Without one they are
        joined by dots: ``datastore.root``.
    origin
        Give a line a value, with the place that it came from, instead of YAML.

    Raises
    ------
    NotFoundError
        If there is no such part; the message lists what there is.
    """
    location = locate_repository(root)
    text = decode_text(location.config.read(), str(location.config))
    config = RepositoryConfig.from_text(text, str(location.config))
    prefix = subset or ""
    if prefix and not (prefix[0].isalnum() or prefix[0] == "_"):
        prefix = ".".join(prefix[1:].split(prefix[0]))
    if origin:
        written: Mapping[str, Any] = yaml.safe_load(text)
        settings = iter_settings(written, config, str(location.config))
        return "".join(
            f"{item.key}: {_line(_without_secrets(item.value))}  ({item.origin})\n"
            for item in settings
            if not prefix or item.key == prefix or item.key.startswith(f"{prefix}.")
        )
    part = _without_secrets(_part(config.to_document(complete=True), prefix))
    if isinstance(part, Mapping | list):
        return yaml.safe_dump(part, sort_keys=False)
    return f"{prefix}: {part}\n"


def _line(value: Any) -> str:
    return str(yaml.safe_dump(value, default_flow_style=True).splitlines()[0])


def _without_secrets(document: Any) -> Any:
    """Hide passwords and signatures in the URLs of a document."""
    if isinstance(document, Mapping):
        return {name: _without_secrets(value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [_without_secrets(value) for value in document]
    return hide_secrets(document) if isinstance(document, str) else document


def _part(document: Any, prefix: str) -> Any:
    above: list[str] = []
    for name in filter(None, prefix.split(".")):
        if not isinstance(document, Mapping) or name not in document:
            known = list(document) if isinstance(document, Mapping) else []
            where = f"in {'.'.join(above)!r}" if above else "at the top"
            raise NotFoundError(
                f"There is no {prefix!r}; {where} there are {', '.join(known) or 'no keys'}.{closest(name, known)}"
            )
        above.append(name)
        document = document[name]
    return document
