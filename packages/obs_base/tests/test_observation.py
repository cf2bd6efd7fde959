# SPDX-License-Identifier: BSD-3-Clause
"""Headers of instruments whose translators come with astro-metadata-translator go the same way as ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pachon.obs_base.observation import REQUIRED_PROPERTIES, translate_header


class _PropertyListLoader(yaml.SafeLoader):
    """Reads the property lists in which these headers are stored."""


def _construct(loader: yaml.SafeLoader, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.MappingNode):
        pairs = loader.construct_mapping(node, deep=True)
        return {key: value[1] if isinstance(value, list) else value for key, value in pairs.items()}
    assert isinstance(node, yaml.SequenceNode)
    rows = loader.construct_sequence(node, deep=True)
    return {row[0]: row[2] if len(row) > 2 else row[1] for row in rows}


for tag in ("!<lsst.daf.base.PropertyList>", "lsst.daf.base.PropertyList", "lsst.daf.base.PropertySet"):
    _PropertyListLoader.add_constructor(tag, _construct)


@pytest.mark.parametrize(
    ("name", "instrument", "day", "filter_name"),
    [
        ("fitsheader-decam", "DECam", 20130831, "z DECam SDSS c0004 9260.0 1520.0"),
        ("fitsheader-hsc", "HSC", 20131102, "HSC-I"),
        ("fitsheader-megaprime", "MegaPrime", 20081101, "i.MP9702"),
        ("fitsheader-suprimecam-CORR40535770", "SuprimeCam", 20070423, "W-S-R+"),
    ],
)
def test_real_headers(header_data: Path, name: str, instrument: str, day: int, filter_name: str) -> None:
    text = (header_data / "lsst-yaml" / f"{name}.yaml").read_text()
    header = yaml.load(text, Loader=_PropertyListLoader)  # a safe loader with two data tags
    info = translate_header(header, path=name)
    assert info.instrument == instrument
    assert info.observing_day == day
    assert info.physical_filter == filter_name
    assert all(getattr(info, name) is not None for name in REQUIRED_PROPERTIES)
