# SPDX-License-Identifier: BSD-3-Clause
"""Class names of LSST's packages, as configurations and export files write them, and what they are called here.

Nothing here is ever imported by such a name; the table is all there is.
"""

from pachon.base import closest
from pachon.datastore.errors import DatastoreConfigError

__all__ = ["datastore_name", "formatter_name", "lsst_formatter_name"]

_DATASTORES = {
    "lsst.daf.butler.datastores.fileDatastore.FileDatastore": "file",
    "lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore": "memory",
    "lsst.daf.butler.datastores.chainedDatastore.ChainedDatastore": "chained",
}

_FORMATTERS = {
    "lsst.daf.butler.formatters.astropyTable.AstropyTableFormatter": "ecsv",
    "lsst.daf.butler.formatters.file.FileFormatter": "file",
    "lsst.daf.butler.formatters.json.JsonFormatter": "json",
    "lsst.daf.butler.formatters.logs.ButlerLogRecordsFormatter": "log",
    "lsst.daf.butler.formatters.matplotlib.MatplotlibFormatter": "plot",
    "lsst.daf.butler.formatters.packages.PackagesFormatter": "packages",
    "lsst.daf.butler.formatters.parquet.ParquetFormatter": "parquet",
    "lsst.daf.butler.formatters.pickle.PickleFormatter": "pickle",
    "lsst.daf.butler.formatters.yaml.YamlFormatter": "yaml",
}

_SAME_FORMAT = {name: lsst for lsst, name in _FORMATTERS.items() if name not in ("file", "packages")}
"""The formatters of ours whose files LSST's packages read as well."""


def datastore_name(name: str) -> str:
    """Give the registered name of a datastore for what a seed configuration says under ``cls`` or ``type``."""
    return _translate(name, _DATASTORES, "datastore")


def formatter_name(name: str) -> str:
    """Give the registered name of a formatter for what a configuration or an export file says.

    Raises
    ------
    DatastoreConfigError
        If it looks like a class (it has a dot) and is not in the table.
    """
    return _translate(name, _FORMATTERS, "formatter")


def lsst_formatter_name(name: str) -> str | None:
    """Give the name under which LSST's packages read the same file format, None if they do not."""
    return _SAME_FORMAT.get(name)


def _translate(name: str, table: dict[str, str], what: str) -> str:
    if "." not in name:
        return name
    try:
        return table[name]
    except KeyError:
        raise DatastoreConfigError(
            f"There is no {what} here for the class {name!r}; classes are never imported by name, "
            f"give the registered name of a {what}.{closest(name, table)}"
        ) from None
