# SPDX-License-Identifier: BSD-3-Clause
"""Conversions between the Python types of the built-in storage classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pachon.base import InvalidInputError

if TYPE_CHECKING:
    import numpy as np

# Each of these needs the library of the type that it makes, which whoever asks for it has; pyarrow is the way between tables.

__all__ = [
    "array_from_ccd_data",
    "arrays_from_table",
    "arrow_from_table",
    "astropy_from_plain",
    "astropy_from_table",
    "dict_from_header",
    "header_from_dict",
    "pandas_from_table",
    "structured_from_table",
]


def array_from_ccd_data(image: Any) -> np.ndarray:
    """Give the pixels of an image."""
    import numpy as np

    return np.asarray(image.data)


def dict_from_header(header: Any) -> dict[str, Any]:
    """Give the keywords of a FITS header; of repeated ones the last."""
    return {str(card.keyword): card.value for card in header.cards if card.keyword not in ("COMMENT", "HISTORY", "")}


def header_from_dict(mapping: dict[str, Any]) -> Any:
    """Make a FITS header."""
    from astropy.io import fits

    return fits.Header(mapping)


def arrow_from_table(table: Any) -> Any:
    """Make an Arrow table of one of pandas or astropy, of a structured array, or of arrays by name."""
    from pachon.datasets.arrow_tables import arrow_from

    try:
        return arrow_from(table)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"A {type(table).__name__} cannot be read as a table: {error}.") from error


def _converted(table: Any, pytype_name: str) -> Any:
    from pachon.datasets.arrow_tables import arrow_to

    return arrow_to(arrow_from_table(table), pytype_name)


def pandas_from_table(table: Any) -> Any:
    """Make a data frame of another kind of table."""
    # Those of Arrow and astropy know best.
    return table.to_pandas() if hasattr(table, "to_pandas") else _converted(table, "pandas.DataFrame")


def astropy_from_table(table: Any) -> Any:
    """Make an astropy table of another kind of table; units and masks are kept."""
    return _converted(table, "astropy.table.Table")


def astropy_from_plain(arrays: Any) -> Any:
    """Make an astropy table of a structured array, or of arrays by name."""
    from astropy.table import Table

    return Table(arrays)


def structured_from_table(table: Any) -> np.ndarray:
    """Make a structured array of another kind of table; nulls become the values that stand for them."""
    made: np.ndarray = _converted(table, "numpy.ndarray")
    return made


def arrays_from_table(table: Any) -> dict[str, Any]:
    """Give the columns of another kind of table as arrays by name, masked where there are nulls."""
    columns: dict[str, Any] = _converted(table, "dict")
    return columns
