# SPDX-License-Identifier: BSD-3-Clause
"""One value for a file or folder anywhere."""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from typing import IO, Any, Self

from pachon.base import InvalidInputError
from pachon.base.utf8 import decode_text
from pachon.resources.backend import CHUNK, FoundFile, ResourceInfo
from pachon.resources.backends import backend_for
from pachon.resources.errors import NotLocalError, ResourceNotFoundError
from pachon.resources.local_copy import local_copy
from pachon.resources.location import Location
from pachon.resources.opening import open_location
from pachon.resources.temporary import temporary_folder, temporary_name
from pachon.resources.transfer import transfer
from pachon.resources.url import Url, join_urls, parse_url, relative_path
from pachon.resources.walking import require_folder, walk_location

__all__ = ["ResourcePath", "ResourcePathExpression", "read_text"]

ZIP_PREFIX = "zip-path="


class ResourcePath:
    """A file or folder: on this machine, in memory, in an object store, on the web, or in a package.

    It is immutable and can be hashed, sorted (by its text) and pickled. Making one touches no storage.

    Parameters
    ----------
    uri
        A URI (``s3://bucket/key``, percent-encoded) or a path of this machine (not encoded).
    root
        What a relative path is below; default is the current folder. It may be of any scheme.
    force_absolute
        False keeps a relative path relative.
    force_directory
        True makes it a folder, as a slash at the end does; False says that it is a file; None leaves it open.
    temporary
        Whether the file is the holder's to move away or delete.

    Raises
    ------
    InvalidInputError
        The text is no URI, or contradicts the other arguments.
    """

    __slots__ = ("_directory", "_temporary", "_text", "_url")

    _url: Url
    _text: str
    _directory: bool | None
    _temporary: bool

    def __init__(
        self,
        uri: "ResourcePathExpression",
        *,
        root: "ResourcePathExpression | None" = None,
        force_absolute: bool = True,
        force_directory: bool | None = None,
        temporary: bool | None = None,
    ) -> None:
        if isinstance(uri, ResourcePath):
            url, directory = uri._url, uri._directory
            if temporary not in (None, uri._temporary):
                raise InvalidInputError(f"{uri.shown} cannot be made temporary or permanent by wrapping it again.")
            temporary = uri._temporary
        else:
            url, directory = parse_url(os.fspath(uri)), None
        if not url.scheme and force_absolute:
            base = Url(scheme="file", path=parse_url(os.getcwd()).path) if root is None else ResourcePath(root)._url
            url = join_urls(base, url)
        self._set(url, _directory_flag(url, directory, force_directory), temporary=bool(temporary))

    def _set(self, url: Url, directory: bool | None, *, temporary: bool) -> None:
        if directory and not url.ends_as_folder:
            url = Url(scheme=url.scheme, netloc=url.netloc, path=f"{url.path}/", query=url.query, fragment=url.fragment)
        for name, value in (("_url", url), ("_text", str(url)), ("_directory", directory), ("_temporary", temporary)):
            object.__setattr__(self, name, value)

    @classmethod
    def _make(cls, url: Url, directory: bool | None = None, *, temporary: bool = False) -> Self:
        made = cls.__new__(cls)
        made._set(url, True if url.ends_as_folder else directory, temporary=temporary)
        return made

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"A ResourcePath is immutable; {name!r} cannot be set.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"A ResourcePath is immutable; {name!r} cannot be deleted.")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self._url, self._directory, self._temporary)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"ResourcePath({self.shown!r})"

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, ResourcePath) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self._text < other._text if isinstance(other, ResourcePath) else NotImplemented

    # Parts of the text.

    def geturl(self) -> str:
        """Give the text of the URI."""
        return self._text

    @property
    def shown(self) -> str:
        """The text for messages and logs: that of the URI, without signatures and passwords."""
        return self._url.shown if self._url.query or "@" in self._url.netloc else self._text

    @property
    def scheme(self) -> str:
        """``file``, ``s3``, ...; empty for a relative path."""
        return self._url.scheme

    @property
    def netloc(self) -> str:
        """Host, bucket or package."""
        return self._url.netloc

    @property
    def path(self) -> str:
        """The path as the URI has it: percent-encoded, unless the path is relative."""
        return self._url.path

    @property
    def unquoted_path(self) -> str:
        """The path as the storage knows it."""
        return self._url.unquoted_path

    @property
    def query(self) -> str:
        """What follows the ``?``."""
        return self._url.query

    @property
    def fragment(self) -> str:
        """What follows the ``#``, as it is written."""
        return self._url.fragment

    @property
    def zip_member(self) -> str | None:
        """The member of a zip file that is meant (``x.zip#zip-path=member``). Reading acts on the zip file itself."""
        fragment = self._url.unquoted_fragment
        return fragment.removeprefix(ZIP_PREFIX) if fragment.startswith(ZIP_PREFIX) else None

    @property
    def extension(self) -> str:
        """The suffix with its dot, compound for compressed files (``.fits.gz``)."""
        return self._url.extension

    @property
    def is_local(self) -> bool:
        """Whether this is a path of this machine."""
        return self._url.scheme in ("file", "")

    @property
    def is_temporary(self) -> bool:
        """Whether the file is the holder's to move away or delete."""
        return self._temporary

    @property
    def is_absolute(self) -> bool:
        """Whether the place is known; not so for a relative path."""
        return self._url.scheme != ""

    @property
    def ospath(self) -> str:
        """The path of this machine.

        Raises
        ------
        NotLocalError
            It is elsewhere.
        """
        if not self.is_local:
            raise NotLocalError(f"{self.shown} is not on this machine; use as_local().")
        return self._url.unquoted_path

    # Other places.

    def join(self, path: "ResourcePathExpression", *, force_directory: bool | None = None) -> "ResourcePath":
        """Give a path below this folder; an absolute path or URI is given as it is. ``..`` may lead out."""
        if self._directory is False:
            raise InvalidInputError(f"Nothing can be below {self.shown}, which is a file.")
        if isinstance(path, ResourcePath):
            other, directory = path._url, path._directory
        else:
            other, directory = parse_url(os.fspath(path)), None
        url = join_urls(self._url, other)
        flag = _directory_flag(url, directory, force_directory)
        return self._make(url, flag, temporary=self._temporary and not other.scheme)

    def join_inside(self, path: "ResourcePathExpression") -> "ResourcePath":
        """Give a path below this folder.

        Raises
        ------
        InvalidInputError
            The path leads out of the folder.
        """
        joined = self.join(path)
        if not joined.is_inside(self):
            raise InvalidInputError(f"The path {str(path)!r} leads out of {self.shown}.")
        return joined

    def is_inside(self, folder: "ResourcePath") -> bool:
        """Tell whether the text of this path is below a folder; symbolic links are not looked at."""
        return self.relative_to(folder) is not None

    def parent(self) -> "ResourcePath":
        """Give the folder above."""
        head = self._url.unquoted_path.rstrip("/").rpartition("/")[0]
        return self._make(
            self._url.with_path(f"{head}/" if head or self.is_absolute else "./"), temporary=self._temporary
        )

    def dirname(self) -> "ResourcePath":
        """Give the folder that a file is in; a folder is its own."""
        return self if self._directory else self.parent()

    def basename(self) -> str:
        """Give the decoded last component of the path."""
        return self._url.name

    def updated_extension(self, extension: str | None) -> "ResourcePath":
        """Give the file with another suffix; None changes nothing, an empty text removes it."""
        if extension is None:
            return self
        if extension and not extension.startswith("."):
            extension = f".{extension}"
        path, old = self._url.unquoted_path, self._url.extension
        return self._make(self._url.with_path((path[: -len(old)] if old else path) + extension), self._directory)

    def updated_file(self, name: str) -> "ResourcePath":
        """Give another file of the same folder; of a folder, a file in it."""
        return self._make(self.dirname()._url.with_path(f"{self.dirname().unquoted_path}{name}"))

    def without_fragment(self) -> "ResourcePath":
        """Give the file without the part of it that a fragment names."""
        url = self._url
        return self._make(Url(scheme=url.scheme, netloc=url.netloc, path=url.path, query=url.query), self._directory)

    def relative_to(self, other: "ResourcePathExpression") -> str | None:
        """Give the decoded path below a folder (``.`` for itself), or None if this is not below it."""
        base = ResourcePath(other, force_absolute=self.is_absolute)
        own = self._url if self.is_absolute else join_urls(base._url, self._url)
        return relative_path(own, base._url)

    # What is there.

    def _location(self) -> Location:
        return Location(url=self._url, backend=backend_for(self._url), temporary=self._temporary)

    def exists(self) -> bool:
        """Tell whether there is a file or folder; symbolic links are followed."""
        return backend_for(self._url).fetch_info(self._url) is not None

    def info(self) -> ResourceInfo:
        """Give size, kind and date.

        Raises
        ------
        ResourceNotFoundError
            There is nothing.
        """
        found = backend_for(self._url).fetch_info(self._url)
        if found is None:
            raise ResourceNotFoundError(f"{self.shown} does not exist.")
        return found

    def size(self) -> int:
        """Give the number of bytes; 0 for a folder."""
        return self.info().size

    def isdir(self) -> bool:
        """Tell whether this is a folder; the storage is asked if the text does not say."""
        if self._directory is not None:
            return self._directory
        found = backend_for(self._url).fetch_info(self._url)
        return found is not None and found.is_directory

    def read(self, size: int = -1) -> bytes:
        """Read the whole file, or its first ``size`` bytes."""
        self._location().require_file()
        return backend_for(self._url).read(self._url, 0, size)

    def read_range(self, offset: int, size: int) -> bytes:
        """Read ``size`` bytes from ``offset`` on, and no others; fewer at the end of the file."""
        if offset < 0 or size < 0:
            raise InvalidInputError(f"A range of {self.shown} cannot begin at {offset} or have {size} bytes.")
        return backend_for(self._url).read(self._url, offset, size)

    def checksum(self, algorithm: str = "blake2b") -> str:
        """Give the digest of the file's bytes in hexadecimal digits, by an algorithm of `hashlib`."""
        if algorithm not in hashlib.algorithms_available:
            raise InvalidInputError(f"There is no checksum algorithm {algorithm!r}.")
        digest = hashlib.new(algorithm)
        with self.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    @contextlib.contextmanager
    def open(self, mode: str = "r", *, encoding: str | None = None) -> Iterator[IO[Any]]:
        """Open the file, as `open` does.

        A file that is written (``w``, ``x``) appears whole when the body ends well, and not at all when it raises. Files
        elsewhere are read by ranges. Changing a file in place (``a``, ``r+``) is for local ones.
        """
        with open_location(self._location(), mode, encoding) as stream:
            yield stream

    @contextlib.contextmanager
    def as_local(self, folder: str | None = None) -> Iterator["ResourcePath"]:
        """Give a local file of the same content; a downloaded one is temporary and removed at the end."""
        with local_copy(self._location(), folder) as (path, temporary):
            yield self if self.is_local else ResourcePath(path, temporary=temporary)

    def walk(self, regex: str | re.Pattern[str] | None = None) -> Iterator[tuple["ResourcePath", list[str], list[str]]]:
        """Walk through this folder and those below, top down. Links are followed, but for those that lead back up.

        Parameters
        ----------
        regex
            What to search for in the names of files.

        Yields
        ------
        tuple
            A folder, the names of the folders in it and the names of the files in it, sorted. A folder that does not
            exist gives nothing.
        """
        place = self._location()
        if not self._directory:
            require_folder(place)
            place = self._make(self._url, directory=True)._location()
        pattern = re.compile(regex) if isinstance(regex, str) else regex
        for url, folders, files in walk_location(place, pattern):
            yield self._make(url, directory=True), folders, files

    def list_files(self) -> Iterator[FoundFile]:
        """Give all files in this folder and those below it, with size and time; a missing folder gives nothing.

        Of an object store this is one listing, whatever the number of folders.
        """
        place = self._location()
        if not self._directory:
            require_folder(place)
            place = self._make(self._url, directory=True)._location()
        return place.backend.list_files(place.url)

    # Changes.

    def write(self, data: bytes, *, overwrite: bool = False, sync: bool = True) -> None:
        """Write a file; folders above it are made.

        Parameters
        ----------
        data
            All of it.
        overwrite
            False creates the file exclusively: whatever exists is never touched. True replaces it in one step.
        sync
            Whether file and folder are on the medium on return (where the storage is local). Without, the caller owes a
            `fsync_files`.

        Raises
        ------
        ResourceExistsError
            Something exists, and ``overwrite`` is False.
        """
        backend = backend_for(self._url)
        (backend.replace if overwrite else backend.create)(self._url, data, sync=sync)

    def transfer_from(
        self, source: "ResourcePathExpression", mode: str, *, overwrite: bool = False, sync: bool = True
    ) -> None:
        """Bring a file here.

        Parameters
        ----------
        source
            The file. If it is this very one, nothing is done.
        mode
            ``copy``, ``move``, ``auto``, or one of the links ``link``, ``hardlink``, ``symlink``, ``relsymlink``, for
            which both must be local. Links point to what the source is when all symbolic links are followed.
        overwrite, sync
            As for `write`.

        Raises
        ------
        ResourceExistsError
            Something exists here, and ``overwrite`` is False.
        ResourceNotFoundError
            There is no source.
        UnsupportedOperationError
            A link to or from a storage that has none.
        """
        transfer(self._location(), ResourcePath(source)._location(), mode, overwrite=overwrite, sync=sync)

    def remove(self, *, missing_ok: bool = False) -> None:
        """Remove the file. Some object stores cannot tell that it was missing."""
        try:
            backend_for(self._url).remove(self._url)
        except ResourceNotFoundError:
            if not missing_ok:
                raise

    def mkdir(self) -> None:
        """Make the folder and those above it, if the storage has folders and they do not exist."""
        backend_for(self._url).make_folder(self._url)

    @classmethod
    @contextlib.contextmanager
    def temporary(cls, *, folder: "ResourcePathExpression | None" = None, suffix: str = "") -> Iterator["ResourcePath"]:
        """Give the name of a file that does not exist; what is there at the end is removed."""
        base = ResourcePath(temporary_folder() if folder is None else folder, force_directory=True)
        name = cls._make(
            join_urls(base._url, Url(scheme="", path=temporary_name(suffix))), directory=False, temporary=True
        )
        try:
            yield name
        finally:
            name.remove(missing_ok=True)


ResourcePathExpression = str | os.PathLike[str] | ResourcePath
"""What can be made into a `ResourcePath`."""


def _directory_flag(url: Url, known: bool | None, forced: bool | None) -> bool | None:
    if forced is False and url.ends_as_folder:
        raise InvalidInputError(f"{url.shown} ends as a folder and cannot be a file.")
    if known is not None and forced is not None and known != forced:
        raise InvalidInputError(f"{url.shown} is known to be a {'folder' if known else 'file'}.")
    if url.ends_as_folder:
        return True
    return known if forced is None else forced


def _rebuild(url: Url, directory: bool | None, temporary: bool) -> ResourcePath:
    return ResourcePath._make(url, directory, temporary=temporary)


def read_text(uri: str) -> str:
    """Read a text in UTF-8.

    Raises
    ------
    FormatError
        It is none; file and line are named.
    """
    path = ResourcePath(uri)
    return decode_text(path.read(), str(path))
