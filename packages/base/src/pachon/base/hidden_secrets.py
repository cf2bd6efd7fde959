# SPDX-License-Identifier: BSD-3-Clause
"""Taking passwords and signatures out of URLs in texts that somebody reads: logs, errors, configurations."""

import re

__all__ = ["hide_secrets"]

_URL = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]*://[^\s'"<>|\\]+""")
_PASSWORD = re.compile(r"(://[^/@:]*):[^/]*@")
_VALUE = re.compile(r"=[^&#;)\],]*")


def hide_secrets(text: str) -> str:
    """Give a text with ``***`` for the passwords and the values of queries in its URLs."""
    return _URL.sub(lambda url: _hide(url[0]), text) if "://" in text else text


def _hide(url: str) -> str:
    place, mark, query = url.partition("?")
    return _PASSWORD.sub(r"\1:***@", place) + mark + _VALUE.sub("=***", query)
