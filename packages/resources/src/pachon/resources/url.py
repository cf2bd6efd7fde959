# SPDX-License-Identifier: BSD-3-Clause
"""The text of a URI and pure work on it; nothing here touches a storage."""

import logging
import os
import posixpath
import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from pachon.base import InvalidInputError
from pachon.base.hidden_secrets import hide_secrets

__all__ = ["COMPRESSIONS", "LOCAL_HOSTS", "Url", "join_urls", "parse_url", "relative_path"]

LOCAL_HOSTS = frozenset({"", "localhost", "localhost.localdomain", "127.0.0.1"})
"""Host names that say the same in a URI."""

COMPRESSIONS = frozenset({".gz", ".bz2", ".xz", ".fz", ".zst"})
"""Suffixes that go together with the one before them."""

_PLAIN = re.compile(r"[A-Za-z0-9_./~-]*")
_ENCODED = re.compile(r"%[A-F0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """The parts of a URI.

    A URL without a scheme is a relative path of the operating system and is kept as it is written; all others keep their
    path percent-encoded.
    """

    scheme: str
    netloc: str = ""
    path: str = ""
    query: str = ""
    fragment: str = ""

    def __str__(self) -> str:
        text = f"{self.scheme}://{self.netloc}{self.path}" if self.scheme else self.path
        if self.query:
            text += f"?{self.query}"
        return f"{text}#{self.fragment}" if self.fragment else text

    @property
    def shown(self) -> str:
        """The text for messages and logs: without query and user, where signatures and passwords are."""
        host = self.netloc.rpartition("@")[2]
        text = f"{self.scheme}://{host}{self.path}" if self.scheme else self.path
        return f"{text}?..." if self.query else text

    @property
    def unquoted_path(self) -> str:
        """The path as the storage knows it."""
        return self.path if not self.scheme or "%" not in self.path else unquote(self.path)

    @property
    def unquoted_fragment(self) -> str:
        """The fragment, decoded."""
        return unquote(self.fragment)

    @property
    def name(self) -> str:
        """The decoded last component; that of a folder, too."""
        return posixpath.basename(self.unquoted_path.rstrip("/"))

    @property
    def extension(self) -> str:
        """The suffix of the last component with its dot, compound for compressed files (``.fits.gz``)."""
        stem, suffix = posixpath.splitext(self.name)
        return posixpath.splitext(stem)[1] + suffix if suffix in COMPRESSIONS else suffix

    @property
    def ends_as_folder(self) -> bool:
        """Whether the text says that this is a folder."""
        return self.path.endswith("/")

    def with_path(self, path: str) -> "Url":
        """Give the URL of another decoded path of the same storage, without query and fragment."""
        return replace(self, path=_quote(path) if self.scheme else path, query="", fragment="")


def _quote(path: str) -> str:
    return path if _PLAIN.fullmatch(path) else quote(path)


def parse_url(text: str) -> Url:
    """Parse a URI, or a path of the operating system, by the rules for the text of URIs.

    A text without ``://`` is a path: it is not encoded yet, a ``#`` after its last slash begins a fragment, and ``~`` and
    ``$NAME`` at its beginning are expanded. If absolute, it becomes a ``file`` URI.

    Raises
    ------
    InvalidInputError
        The text is empty of meaning, such as a bucket without a name, holds a null character, which no name can have, or is the
        name of a file that is not in UTF-8.
    """
    if not text.isascii():
        _refuse_other_than_text(text)
    if "\0" in text or "%00" in text:
        raise InvalidInputError(f"{hide_secrets(text)!r} holds a null character, and so is no path.")
    if "://" in text or text.startswith("file:"):
        return _parse_encoded(text)
    path, fragment = text, ""
    position = text.rfind("#")
    if position > text.rfind("/"):
        path, fragment = text[:position], text[position + 1 :]
    if path.startswith(("~", "$")):
        path = os.path.expanduser(os.path.expandvars(path))
    encoded = _ENCODED.search(path) is not None
    if encoded:
        logging.getLogger(__name__).warning("The path %r looks percent-encoded already and is taken so.", path)
    if path.startswith("/"):
        path = _normalize(path)
        return Url(scheme="file", path=path if encoded else _quote(path), fragment=fragment)
    return Url(scheme="", path=_normalize(unquote(path) if encoded else path), fragment=fragment)


def _refuse_other_than_text(text: str) -> None:
    """Refuse a name of a file in another encoding, which Python reads with stand-ins for its bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInputError(f"The name {text!r} is not in UTF-8; rename the file.") from None


def _parse_encoded(text: str) -> Url:
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise InvalidInputError(f"{hide_secrets(text)!r} is no URI: {error}.") from error
    scheme, netloc, path = parts.scheme, parts.netloc, parts.path
    if scheme == "file":
        if netloc in LOCAL_HOSTS:
            netloc = ""
        if not path.startswith("/"):
            path = f"{_quote(os.getcwd())}/{path}"
            path = _normalize(path)
    elif netloc.count("@") > 1:
        raise InvalidInputError(f"'{scheme}://...{path}' has more than one '@' before its path.")
    return Url(scheme=scheme, netloc=netloc, path=path, query=parts.query, fragment=parts.fragment)


def _normalize(path: str) -> str:
    """Collapse ``..`` and ``//``, and keep a slash at the end."""
    if not path:
        return path
    folder = path.endswith(("/", "/.", "/..")) or path in (".", "..")
    clean = posixpath.normpath(path)
    if clean.startswith("//"):
        clean = clean[1:]
    return f"{clean}/" if folder and clean != "/" else clean


def join_urls(base: Url, other: Url) -> Url:
    """Resolve a URL against the folder of another: an absolute one replaces it, query and fragment are the second's."""
    if other.scheme:
        return other
    own = base.unquoted_path
    path = (
        _normalize(posixpath.join(own or "/", other.path))
        if base.scheme
        else _normalize(posixpath.join(own, other.path))
    )
    return replace(base.with_path(path), query=other.query, fragment=other.fragment)


def relative_path(url: Url, folder: Url) -> str | None:
    """Give the decoded path of a URL below a folder, ``.`` for the folder itself, or None if it is not below it."""
    if url.scheme != folder.scheme:
        return None
    if url.netloc != folder.netloc and not {url.netloc, folder.netloc} <= LOCAL_HOSTS:
        return None
    path = _normalize(url.unquoted_path).rstrip("/")
    start = _normalize(folder.unquoted_path).rstrip("/")
    if path == start:
        return "."
    return path[len(start) + 1 :] if path.startswith(f"{start}/") else None
