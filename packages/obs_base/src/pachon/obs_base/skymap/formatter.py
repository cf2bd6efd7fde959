# SPDX-License-Identifier: BSD-3-Clause
"""Sky maps as JSON files."""

from __future__ import annotations

import json
from typing import Any, BinaryIO, ClassVar

from pachon.base import FormatError
from pachon.datastore.formatter import Formatter
from pachon.obs_base.skymap.kinds import sky_map_from_document

__all__ = ["SkyMapFormatter"]


class SkyMapFormatter(Formatter):
    """A sky map's kind, version and settings; the tracts follow from them."""

    default_extension: ClassVar[str] = ".json"
    unsupported_parameters: ClassVar[frozenset[str] | None] = None
    can_read_from_stream: ClassVar[bool] = True

    def to_bytes(self, obj: Any) -> bytes:
        return json.dumps(obj.to_document(), indent=2).encode()

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        try:
            document = json.loads(stream.read())
        except ValueError as error:
            raise FormatError(f"it is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise FormatError("it is no stored sky map.")
        return sky_map_from_document(document)
