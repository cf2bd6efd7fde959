# SPDX-License-Identifier: BSD-3-Clause
"""Conditions as text with parts of other kinds in its gaps."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from pachon.registry.query.sql_conditions import (
    Column,
    all_of,
    any_of,
    between,
    compared,
    is_null,
    one_of,
)

TABLE = sa.Table("numbers", sa.MetaData(), sa.Column("order", sa.Integer()), sa.Column("rest", sa.Integer()))
NUMBERS = TABLE.alias("n")
A, B = NUMBERS.c.order, NUMBERS.c.rest
KNOWN = [(1, 1), (2, 4), (3, None), (4, 2)]


def value(number: int) -> Column:
    return sa.BindParameter(None, number, type_=sa.Integer(), unique=True)


@pytest.fixture(scope="module")
def connection() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://", enable_from_linting=False)
    with engine.connect() as connection:
        TABLE.create(connection)
        connection.execute(TABLE.insert(), [{"order": a, "rest": b} for a, b in KNOWN])
        yield connection
    engine.dispose()


def found(connection: sa.Connection, condition: Column) -> list[int]:
    return list(connection.execute(sa.select(A).select_from(NUMBERS).where(condition).order_by(A)).scalars())


IS_TWO = compared("=", A, value(2))
SAME = compared("=", A, B)
LARGE = compared(">", A, value(2))

TEXTS = {
    '"order" = 2': (IS_TWO, [2]),
    '"order" != 2': (sa.not_(IS_TWO), [1, 3, 4]),
    '"order" = rest': (SAME, [1]),
    "rest IS NULL": (is_null(B), [3]),
    "rest IS NOT NULL": (sa.not_(is_null(B)), [1, 2, 4]),
    '"order" BETWEEN 2 AND 3': (between(A, value(2), value(3)), [2, 3]),
    '"order" NOT BETWEEN 2 AND 3': (sa.not_(between(A, value(2), value(3))), [1, 4]),
    '"order" IN (1, 4)': (one_of(A, [value(1), value(4)]), [1, 4]),
    '("order" NOT IN (1, 4))': (sa.not_(one_of(A, [value(1), value(4)])), [2, 3]),
    '("order" = 2 OR "order" = rest) AND "order" = 2': (all_of([any_of([IS_TWO, SAME]), IS_TWO]), [2]),
    '"order" = 2 AND "order" > 2 OR "order" = rest': (any_of([all_of([IS_TWO, LARGE]), SAME]), [1]),
    'NOT ("order" = 2 OR "order" = rest)': (sa.not_(any_of([IS_TWO, SAME])), [4]),
    'NOT (NOT ("order" = 2 AND "order" = rest))': (sa.not_(sa.not_(all_of([IS_TWO, SAME]))), []),
    '"order" + 1 = 3': (compared("=", A + value(1), value(3)), [2]),
    '("order" IN (2)) = 1': (compared("=", A.in_([2]), value(1)), [2]),
}


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_written_is_meant(connection: sa.Connection, text: str) -> None:
    condition, numbers = TEXTS[text]
    plain = condition.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    assert str(plain).replace("n.", "") == text
    assert found(connection, condition) == numbers


def test_constants_of_a_known_text_are_its_own(connection: sa.Connection) -> None:
    # SQLAlchemy keeps the text of the first one.
    for number in (1, 2, 3, 9):
        expected = [a for a, _ in KNOWN if a <= number]
        assert found(connection, all_of([compared("<=", A, value(number)), sa.not_(is_null(A))])) == expected


def test_no_condition_is_true_and_no_option_false(connection: sa.Connection) -> None:
    assert found(connection, all_of([])) == [1, 2, 3, 4]
    assert found(connection, any_of([])) == []
    assert found(connection, all_of([sa.true(), IS_TWO])) == [2]
    assert found(connection, all_of([sa.false(), IS_TWO])) == []
    assert found(connection, any_of([sa.true(), IS_TWO])) == [1, 2, 3, 4]


@pytest.mark.parametrize("count", [100, 101, 5000])
def test_long_rows_are_not_as_deep_as_long(connection: sa.Connection, count: int) -> None:
    some = [compared("=", A, value(number)) for number in range(3, count + 3)]
    assert found(connection, any_of(some)) == [3, 4]
    assert found(connection, all_of([sa.not_(one) for one in some])) == [1, 2]


def test_what_sqlalchemy_joins_keeps_its_parentheses(connection: sa.Connection) -> None:
    either = any_of([IS_TWO, SAME])
    assert found(connection, sa.and_(either, IS_TWO)) == [2]
    assert found(connection, sa.not_(either)) == [4]
    assert found(connection, sa.or_(all_of([IS_TWO, SAME]), LARGE)) == [3, 4]
