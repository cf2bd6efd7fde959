# SPDX-License-Identifier: BSD-3-Clause
"""Where pipelines are read from: ``<uri>[#<selection>]``, and the selection of labels."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import unquote

from pachon.base import InvalidInputError, StorageError
from pachon.pipe_base.pipeline.errors import PipelineError, PipelineFileNotFoundError, PipelineSyntaxError
from pachon.pipe_base.pipeline.place import Place
from pachon.resources import ResourcePath

__all__ = ["LabelSelection", "parse_selection", "read_pipeline_text", "resolve_import", "split_location"]

_UNDEFINED = re.compile(r"\$(\w+|\{\w+\})")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSelection:
    """Labels and subset names, or a range of labels."""

    names: tuple[str, ...] = ()
    first: str | None = None
    last: str | None = None

    @property
    def is_range(self) -> bool:
        """Whether it is a range, whose meaning depends on the connections of the tasks."""
        return not self.names


def split_location(location: str) -> tuple[str, str | None]:
    """Split ``<uri>#<selection>``; the selection is unquoted, `None` if there is none.

    Raises
    ------
    InvalidInputError
        There is more than one ``#``, or a ``:`` separates the labels.
    """
    uri, *selections = location.split("#")
    if len(selections) > 1:
        raise InvalidInputError(f"{location!r} has more than one '#'.")
    base, colon, rest = uri.rpartition(":")
    # Labels hold no '/': what follows the ':' of a scheme or before a port does.
    if colon and "/" not in rest and not os.path.exists(os.path.expandvars(uri)):
        raise InvalidInputError(f"{location!r}: labels are separated by '#', as in {f'{base}#{rest}'!r}.")
    return uri, unquote(selections[0]) if selections else None


def parse_selection(text: str) -> LabelSelection:
    """Read ``a``, ``a,b``, ``a..b``, ``a..`` or ``..b``.

    Raises
    ------
    PipelineError
        A list and a range are combined, there are two ranges, or nothing is selected.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if ".." in text:
        ends = [end.strip() for end in text.split("..")]
        if len(names) > 1 or len(ends) != 2 or not any(ends):
            raise PipelineError(f"The selection {text!r} is neither a list (a,b) nor one range (a..b).")
        return LabelSelection(first=ends[0] or None, last=ends[1] or None)
    if not names:
        raise PipelineError(f"The selection {text!r} names no label.")
    return LabelSelection(names=names)


def read_pipeline_text(location: str) -> tuple[str, str]:
    """Read a pipeline file from any place.

    Returns
    -------
    text, name
        The text, and the location with variables expanded.

    Raises
    ------
    PipelineFileNotFoundError
        There is no such file; an undefined variable is named.
    PipelineSyntaxError
        The file is no text in UTF-8.
    """
    expanded = os.path.expandvars(location)
    try:
        return _read(expanded), expanded
    except UnicodeDecodeError as error:
        before, byte = error.object[: error.start], error.object[error.start]
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        place = Place(file=expanded, line=before.count(b"\n") + 1, column=column)
        problem = f"the file is no text in UTF-8 (byte 0x{byte:02x}); save it as UTF-8."
        raise PipelineSyntaxError(place, problem) from None


def _read(location: str) -> str:
    if "://" not in location:
        try:
            # The whole at once, so that an error knows its line.
            with open(location, "rb") as stream:
                return stream.read().decode("utf-8").replace("\r\n", "\n")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise PipelineFileNotFoundError(location, _hint(location)) from None
        except (OSError, ValueError) as error:
            if isinstance(error, UnicodeDecodeError):
                raise
            raise StorageError(f"Pipeline {location!r} cannot be read: {error}.") from None
    resource = ResourcePath(location)
    if not resource.exists():
        raise PipelineFileNotFoundError(location, _hint(location))
    return resource.read().decode("utf-8")


def resolve_import(location: str, importer: str) -> str:
    """Give what the location of an import means: relative to the importing document, else to the current folder."""
    expanded = os.path.expandvars(location)
    if "://" in expanded or os.path.isabs(expanded) or not importer:
        return expanded
    if "://" in importer:
        return ResourcePath(importer).parent().join(expanded).geturl()
    beside = os.path.normpath(os.path.join(os.path.dirname(importer), expanded))
    return expanded if not os.path.exists(beside) and os.path.exists(expanded) else beside


def _hint(location: str) -> str:
    undefined = [match.group(0) for match in _UNDEFINED.finditer(location)]
    return f" The variable {undefined[0]} is not defined." if undefined else ""
