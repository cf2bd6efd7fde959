# SPDX-License-Identifier: BSD-3-Clause
from dataclasses import dataclass, field
from typing import Any

from pachon.datasets import StorageClasses


class Unit:
    def to_string(self) -> str:
        return "electron"


@dataclass
class Image:
    """What the delegate knows of an image, without astropy."""

    data: Any
    mask: Any = None
    uncertainty: Any = None
    wcs: Any = None
    header: dict[str, Any] = field(default_factory=dict)
    unit: Any = field(default_factory=Unit)


def test_disassembled_header_keeps_the_unit():
    image = Image([1, 2], header={"OBJECT": "SA 111"})
    delegate = StorageClasses.default().get("CCDData").delegate()
    parts = delegate.disassemble(image)
    assert parts == {"image": [1, 2], "header": {"OBJECT": "SA 111", "BUNIT": "electron"}}
    assert image.header == {"OBJECT": "SA 111"}
    again = delegate.assemble(parts, Image)
    assert again.unit == "electron"
    assert again.data == [1, 2]
