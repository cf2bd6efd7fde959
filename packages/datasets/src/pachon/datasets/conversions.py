# SPDX-License-Identifier: BSD-3-Clause
"""Conversions between the Python types of the built-in storage classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

# Each of these needs a library of the kind that its argument is of, so it is imported already.

__all__ = [
    "array_from_ccd_data",
    "arrow_from_astropy",
    "arrow_from_pandas",
    "astropy_from_arrow",
    "astropy_from_numpy",
    "astropy_from_pandas",
    "dict_from_header",
    "header_from_dict",
    "pandas_from_arrow",
    "pandas_from_astropy",
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


def pandas_from_arrow(table: Any) -> Any:
    """Make a data frame of an Arrow table."""
    return table.to_pandas()


def pandas_from_astropy(table: Any) -> Any:
    """Make a data frame of an astropy table."""
    return table.to_pandas()


def arrow_from_pandas(frame: Any) -> Any:
    """Make an Arrow table of a data frame."""
    import pyarrow as pa

    return pa.Table.from_pandas(frame)


def arrow_from_astropy(table: Any) -> Any:
    """Make an Arrow table of an astropy table; units become field metadata."""
    import numpy as np
    import pyarrow as pa

    arrays, fields = [], []
    for name in table.colnames:
        column = table[name]
        values = np.asarray(column)
        mask = np.asarray(column.mask) if getattr(column, "mask", None) is not None else None
        array = pa.array(values.tolist() if values.dtype.kind in "UO" else values, mask=mask)
        unit = {"unit": str(column.unit)} if getattr(column, "unit", None) is not None else None
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata=unit))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def astropy_from_arrow(table: Any) -> Any:
    """Make an astropy table of an Arrow table, units included."""
    from astropy.table import MaskedColumn, Table

    made = Table()
    for field, column in zip(table.schema, table.columns, strict=True):
        unit = (field.metadata or {}).get(b"unit")
        values = column.to_numpy(zero_copy_only=False)
        if column.null_count:
            import numpy as np

            mask = np.asarray(column.is_null())
            filled = column.fill_null("" if values.dtype.kind == "O" else 0).to_numpy(zero_copy_only=False)
            made[field.name] = MaskedColumn(filled, mask=mask, unit=unit.decode() if unit else None)
        else:
            made[field.name] = values.astype(str) if values.dtype.kind == "O" else values
            if unit:
                made[field.name].unit = unit.decode()
    return made


def astropy_from_numpy(array: Any) -> Any:
    """Make an astropy table of a structured array."""
    from astropy.table import Table

    return Table(array)


def astropy_from_pandas(frame: Any) -> Any:
    """Make an astropy table of a data frame."""
    from astropy.table import Table

    return Table.from_pandas(frame)
