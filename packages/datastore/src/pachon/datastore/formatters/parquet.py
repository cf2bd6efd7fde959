# SPDX-License-Identifier: BSD-3-Clause
"""Tables as Parquet."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, ClassVar

from pachon.base import InvalidInputError, closest
from pachon.datastore.formatter import Formatter

__all__ = ["ParquetFormatter", "choose_columns"]

_ROW_GROUP_BYTES = 1_000_000_000
_TABLES = frozenset({
    "pyarrow.Table", "pyarrow.lib.Table", "pyarrow.Schema", "pyarrow.lib.Schema", "pandas.DataFrame",
    "astropy.table.Table", "astropy.table.QTable", "numpy.ndarray", "dict",
})  # fmt: skip


class ParquetFormatter(Formatter):
    """Tables of Arrow, pandas, astropy, structured arrays and mappings of arrays; each can be read as any other.

    Components ``columns`` (names), ``schema`` and ``rowcount`` are read without the rows. Parameter ``columns``: a name
    or a list of names, with shell-style wildcards; ``strip_astropy_meta_yaml``: leave out astropy's metadata.
    """

    default_extension: ClassVar[str] = ".parq"
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".parquet"})
    reads_components: ClassVar[bool] = True
    can_read_from_stream: ClassVar[bool] = True

    def can_accept(self, obj: Any) -> bool:
        module = type(obj).__module__.partition(".")[0]
        return module in ("pandas", "pyarrow", "astropy") or isinstance(obj, Mapping)

    def write_local_file(self, obj: Any, path: str) -> Any:
        # pyarrow is an optional library of some weight.
        import pyarrow.parquet as pq

        from pachon.datasets.arrow_tables import ROWCOUNT, arrow_from

        table = arrow_from(obj)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), ROWCOUNT: str(table.num_rows)})
        rows = max(1, int(_ROW_GROUP_BYTES * table.num_rows / max(1, table.nbytes)))
        pq.write_table(table, path, row_group_size=rows)
        return None

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        import pyarrow.parquet as pq

        with pq.ParquetFile(stream) as file:
            if component is not None:
                return _component(file, component)
            wanted = self._wanted_type()
            metadata = _pandas_metadata(file.schema_arrow)
            chosen = None
            if "columns" in self.file_descriptor.parameters:
                chosen = choose_columns(self.file_descriptor.parameters["columns"], _column_names(file.schema_arrow))
                if wanted == "pandas.DataFrame":
                    chosen += [
                        name
                        for name in metadata.get("index_columns", ())
                        if isinstance(name, str) and name not in chosen
                    ]
            table = file.read(columns=chosen, use_pandas_metadata=False)
            if chosen is not None:
                table = table.select(chosen)
        if self.file_descriptor.parameters.get("strip_astropy_meta_yaml", False):
            kept = {k: v for k, v in (table.schema.metadata or {}).items() if k != b"table_meta_yaml"}
            table = table.replace_schema_metadata(kept)
        from pachon.datasets.arrow_tables import arrow_to

        return arrow_to(table, wanted)

    def _wanted_type(self) -> str:
        for storage_class in (self.file_descriptor.read_storage_class, self.file_descriptor.write_storage_class):
            if storage_class.pytype_name in _TABLES:
                return storage_class.pytype_name
        return "pyarrow.Table"


def choose_columns(wanted: str | Iterable[str], known: Iterable[str]) -> list[str]:
    """Give the columns that names and shell-style wildcards choose, in the order of the names, each once.

    Raises
    ------
    InvalidInputError
        If a name or wildcard chooses nothing.
    """
    known = list(known)
    chosen: dict[str, None] = {}
    for pattern in [wanted] if isinstance(wanted, str) else wanted:
        found = [pattern] if pattern in known else fnmatch.filter(known, str(pattern))
        found = [name for name in found if name == pattern or fnmatch.fnmatchcase(name, str(pattern))]
        if not found:
            raise InvalidInputError(f"The table has no column {pattern!r}.{closest(str(pattern), known)}")
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def _component(file: Any, component: str) -> Any:
    match component:
        case "columns":
            return _column_names(file.schema_arrow)
        case "schema":
            return file.schema_arrow
        case "rowcount":
            return file.metadata.num_rows
    raise InvalidInputError(f"A table has no component {component!r}; it has columns, schema, rowcount.")


def _pandas_metadata(schema: Any) -> Mapping[str, Any]:
    return schema.pandas_metadata or {}


def _column_names(schema: Any) -> list[str]:
    index = {name for name in _pandas_metadata(schema).get("index_columns", ()) if isinstance(name, str)}
    return [name for name in schema.names if name not in index]
