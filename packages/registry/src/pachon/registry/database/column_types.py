# SPDX-License-Identifier: BSD-3-Clause
"""Column types, each with one meaning on every database."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

__all__ = ["Bytes", "Id", "Key64", "Nanoseconds", "Text", "Uuid", "text"]


class _PlainBlob(UserDefinedType[bytes]):
    """A BLOB that the driver's bytes pass through untouched."""

    cache_ok = True

    def get_col_spec(self, **_kw: Any) -> str:
        return "BLOB"


class Bytes(TypeDecorator[bytes]):
    """Bytes; ``bytes`` in Python."""

    impl = sa.LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _PlainBlob() if dialect.name == "sqlite" else dialect.type_descriptor(sa.LargeBinary())

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return value if value is None else bytes(value)


class Uuid(TypeDecorator[bytes]):
    """A dataset id: 16 bytes in Python, BLOB on SQLite, UUID on PostgreSQL."""

    impl = sa.LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(sa.UUID(as_uuid=True)) if dialect.name == "postgresql" else _PlainBlob()

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        return _uuid_of_bytes if dialect.name == "postgresql" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        return _bytes_of_uuid if dialect.name == "postgresql" else None


def _uuid_of_bytes(value: bytes | None) -> uuid.UUID | None:
    return None if value is None else uuid.UUID(bytes=value)


def _bytes_of_uuid(value: uuid.UUID | None) -> bytes | None:
    return None if value is None else value.bytes


Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A generated integer key. (SQLite numbers rows only of a column declared INTEGER.)"""
Key64 = sa.BigInteger()
"""An integer of 64 bits, signed."""
Nanoseconds = sa.BigInteger()
"""A time: TAI nanoseconds since 1970-01-01 TAI."""


def text(length: int | None = None) -> sa.String:
    """Give the type of a string, compared by code point on every database."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


Text = text()
