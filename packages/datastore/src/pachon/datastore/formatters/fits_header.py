# SPDX-License-Identifier: BSD-3-Clause
"""FITS headers."""

from __future__ import annotations

from typing import Any, BinaryIO, ClassVar

from pachon.base import FormatError
from pachon.datastore.formatter import Formatter
from pachon.datastore.formatters.fits_parts import as_header, header_of_file, open_fits

__all__ = ["FitsHeaderFormatter"]


class FitsHeaderFormatter(Formatter):
    """The cards of a FITS header as text, one a line, each as it is; the header of any FITS image is read, too."""

    default_extension: ClassVar[str] = ".hdr"
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".txt", ".fits", ".fits.fz", ".fits.gz", ".fit"})
    unsupported_parameters: ClassVar[frozenset[str] | None] = None
    can_read_from_stream: ClassVar[bool] = True

    def to_bytes(self, obj: Any) -> bytes:
        header = as_header(obj)
        text: str = header.tostring(sep="\n", endcard=True, padding=False) if len(header) else "END"
        return "\n".join(line.rstrip() for line in text.split("\n")).encode("ascii") + b"\n"

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        from astropy.io import fits

        start = stream.read(2880)
        stream.seek(0)
        if b"\n" not in start:
            with open_fits(stream) as hdus:
                return header_of_file(hdus)
        lines = stream.read().decode("ascii", errors="replace").splitlines()
        if not any(line.rstrip() == "END" for line in lines):
            raise FormatError("the header has no END, so that it may be cut short")
        cards = [line.ljust(80) for line in lines if line.rstrip() != "END"]
        return fits.Header.fromstring("\n".join(cards), sep="\n") if cards else fits.Header()
