# SPDX-License-Identifier: BSD-3-Clause
"""The formatters of a datastore that configures none, by storage class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import cast

from pachon.base import load_plugin, plugin_names

__all__ = ["DEFAULTS_GROUP", "DEFAULT_FORMATTERS", "default_formatters"]

DEFAULTS_GROUP = "pachon.default_formatters"
"""Entry points of packages that bring storage classes: each names a mapping, storage class -> formatter."""

DEFAULT_FORMATTERS = {
    "int": "json",
    "float": "json",
    "bool": "json",
    "str": "json",
    "Text": "text",
    "Bytes": "file",
    "File": "file",
    "StructuredData": "json",
    "StructuredDataDict": "yaml",
    "StructuredDataList": "yaml",
    "Timespan": "json",
    "NumpyArray": "numpy",
    "ArrowTable": "parquet",
    "ArrowSchema": "parquet",
    "ArrowAstropy": "parquet",
    "ArrowNumpy": "parquet",
    "ArrowNumpyDict": "parquet",
    "DataFrame": "parquet",
    "AstropyTable": "ecsv",
    "AstropyQTable": "ecsv",
    "Defects": "ecsv",
    "CCDData": "fits_ccd",
    "NDUncertainty": "fits_uncertainty",
    "Wcs": "fits_wcs",
    "FitsHeader": "fits_header",
    "Plot": "plot",
    "Config": "config",
    "Packages": "packages",
    "TaskMetadata": "metadata",
    "ButlerLogRecords": "log",
    "MetricMeasurementBundle": "json",
}


@cache
def default_formatters() -> Mapping[str, str]:
    """Give the default formatter of each storage class, those of installed packages included."""
    table: dict[str, str] = {}
    for name in plugin_names(DEFAULTS_GROUP):
        table.update(cast(Mapping[str, str], load_plugin(DEFAULTS_GROUP, name)))
    return {**table, **DEFAULT_FORMATTERS}
