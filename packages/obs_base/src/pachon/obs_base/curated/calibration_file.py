# SPDX-License-Identifier: BSD-3-Clause
"""Read a file of a curated calibration and make sure that it is what its place says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from pachon.base import FormatError
from pachon.obs_base.curated.layout import CuratedFile
from pachon.obs_base.curated_type import CuratedType

__all__ = ["read_curated_file"]


def read_curated_file(file: CuratedFile, kind: CuratedType, instrument: str) -> tuple[Any, str]:
    """Give the calibration and its date.

    Parameters
    ----------
    file
        Where it is, and for what.
    kind
        Its dataset type.
    instrument
        What its metadata must call the instrument: the policy name.

    Returns
    -------
    calibration : Table or dict
        An ECSV file is a table with metadata, YAML and JSON are mappings (whose ``metadata``, if there is one, is looked at).
    calibration_date : str
        ``CALIBDATE``: names the RUN; it is not the start of validity.

    Raises
    ------
    FormatError
        If it cannot be read, or its metadata contradict its place.
    """
    calibration, metadata = _read(file)
    said = {str(key).upper(): value for key, value in metadata.items()}
    expected: dict[str, Any] = {"INSTRUME": instrument, "OBSTYPE": kind.name}
    if file.detector is not None:
        expected["DETECTOR"] = file.detector
    if file.physical_filter is not None:
        expected["FILTER"] = file.physical_filter
    for key, value in expected.items():
        if key not in said or str(said[key]).lower() != str(value).lower():
            raise FormatError(f"{file.path}: {key} of its metadata is {said.get(key)!r} and should be {value!r}.")
    if "CALIBDATE" not in said:
        raise FormatError(f"{file.path}: its metadata have no CALIBDATE.")
    return calibration, str(said["CALIBDATE"])


def _read(file: CuratedFile) -> tuple[Any, Mapping[str, Any]]:
    text = file.path.read_text(encoding="utf-8")
    try:
        if file.path.name.endswith(".ecsv"):
            from astropy.table import Table

            table = Table.read(text, format="ascii.ecsv")
            return table, table.meta
        content = json.loads(text) if file.path.name.endswith(".json") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise FormatError(f"{file.path} cannot be read: {error}") from error
    if not isinstance(content, Mapping):
        raise FormatError(f"{file.path} is no mapping.")
    metadata = content.get("metadata", content)
    return dict(content), metadata if isinstance(metadata, Mapping) else content
