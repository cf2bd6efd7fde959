# SPDX-License-Identifier: BSD-3-Clause
"""Values and conditions of a resolved tree to SQL."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from pachon.dimensions.timespan import MAX_NS
from pachon.registry.database.column_types import Key64
from pachon.registry.query import tree as t
from pachon.registry.query.plan import Mark, OrderTerm
from pachon.registry.query.sql_conditions import (
    Column,
    all_of,
    any_of,
    between,
    compared,
    is_null,
)
from pachon.registry.query.sql_tables import JoinedTables
from pachon.registry.query.sql_values import (
    glob,
    in_list,
    literal,
    longest_list,
    merged_tests,
    on_step,
    parameter,
)

__all__ = ["SqlExpressions"]


class SqlExpressions:
    """Makes columns and conditions over the tables of one statement.

    Parameters
    ----------
    tables
        All that was joined.
    dialect
        ``sqlite`` or ``postgresql``.
    marks, marked
        The overlaps that were found before, and where each holds.
    conditions
        All conditions of the statement.
    """

    def __init__(
        self,
        tables: JoinedTables,
        dialect: str,
        marks: Sequence[Mark],
        marked: Sequence[sa.FromClause],
        conditions: Sequence[t.Predicate],
    ) -> None:
        self._tables = tables
        self._dialect = dialect
        self._marks = marks
        self._marked_tables = marked
        self._longest_list = longest_list(conditions)

    # Columns.

    def _dataset_field(self, value: t.DatasetField) -> Column:
        table = self._tables.dataset(value.dataset_type)
        match value.name:
            case "dataset_id":
                return table.c.dataset_id
            case "ingest_date":
                return self._tables.detail(value.dataset_type, "dataset").c.ingest_ns
            case "run":
                return self._tables.detail(value.dataset_type, "run").c.name
            case _:
                return self._tables.detail(value.dataset_type, "collection").c.name

    def bounds(self, value: t.Value) -> tuple[Column, Column]:
        """Give begin and end of a time span; of a time, the nanosecond that it begins."""
        match value:
            case t.Constant(value=(begin, end)):
                return parameter(begin, Key64), parameter(end, Key64)
            case t.Field(element=name, type="timespan"):
                table = self._tables.element(name)
                return table.c.timespan_begin, table.c.timespan_end
            case t.DatasetField(dataset_type=name, type="timespan"):
                table = self._tables.dataset(name)
                if "begin_ns" in table.c:
                    return table.c.begin_ns, table.c.end_ns
                return sa.literal(0, Key64), sa.literal(MAX_NS, Key64)
            case _:
                time = self.value(value)
                return time, time + 1

    def value(self, value: t.Value) -> Column:
        match value:
            case t.Key(dimension=dimension):
                return self._tables.key(dimension)
            case t.Field(element=element, name=name):
                return self._tables.element(element).c["timespan_begin" if value.type == "timespan" else name]
            case t.DatasetField(type="timespan"):
                return self.bounds(value)[0]
            case t.DatasetField():
                return self._dataset_field(value)
            case t.Bound():
                # An unknown time span begins and ends at the first of all times, as for LSST's packages.
                return sa.func.coalesce(self._bound(value), sa.literal_column("0"))
            case t.Constant():
                return literal(value)
            case t.Negative() | t.Arithmetic():
                # Few queries calculate, and the functions for it take a while to make.
                from pachon.registry.query.arithmetic import calculated

                return calculated(value, self.value)

    def _bound(self, value: t.Bound) -> Column:
        return self.bounds(value.timespan)[0 if value.which == "begin" else 1]

    def output(self, value: t.Value) -> list[Column]:
        """Give the columns of a value that is shown: two for a time span."""
        if value.type == "timespan":
            return list(self.bounds(value))
        return [self._bound(value) if isinstance(value, t.Bound) else self.value(value)]

    def order_value(self, term: OrderTerm) -> Column:
        return self._bound(term.value) if isinstance(term.value, t.Bound) else self.value(term.value)

    # Conditions.

    def condition(self, predicate: t.Predicate) -> Column:
        match predicate:
            case t.Comparison(operator=operator, left=left, right=right):
                return self._comparison(operator, left, right)
            case t.All(operands=operands):
                return all_of([self.condition(o) for o in operands])
            case t.IsOneOf():
                return self._is_one_of(predicate)
            case t.Overlap(kind="temporal", left=left, right=right):
                first, second = self.bounds(left), self.bounds(right)
                return all_of([compared("<", first[0], second[1]), compared("<", second[0], first[1])])
            case t.Any_(operands=operands):
                return any_of([self.condition(o) for o in merged_tests(operands)])
            case t.Not(operand=operand):
                return sa.not_(self.condition(operand))
            case t.Truth(value=value):
                return sa.true() if value else sa.false()
            case t.IsTrue(operand=operand):
                return self.value(operand) == sa.true()
            case t.IsNull(operand=operand):
                return is_null(self.value(operand))
            case t.Glob(operand=operand, pattern=pattern):
                return glob(self.value(operand), pattern, self._dialect)
            case t.Overlap():
                return self._marked(predicate)

    def _comparison(self, operator: str, left: t.Value, right: t.Value) -> Column:
        if left.type == "timespan":
            first, second = self.bounds(left), self.bounds(right)
            equal = all_of([compared("=", first[0], second[0]), compared("=", first[1], second[1])])
            return equal if operator == "=" else sa.not_(equal)
        a, b = self.value(left), self.value(right)
        if left.type == "bool":
            return a == b if operator == "=" else a != b
        return compared(operator, a, b)

    def _is_one_of(self, test: t.IsOneOf) -> Column:
        column = self.value(test.operand)
        options: list[Column] = []
        if test.values:
            options.append(in_list(column, test.operand.type, test.values, self._dialect, self._longest_list))
        options += [compared("=", column, self.value(other)) for other in test.columns]
        for start, stop, stride in test.ranges:
            within = between(column, parameter(start, Key64), parameter(stop, Key64))
            options.append(within if stride == 1 else all_of([within, on_step(column, start, stride)]))
        if test.with_null:
            options.append(is_null(column))
        return any_of(options)

    def _marked(self, overlap: t.Overlap) -> Column:
        index = next(i for i, mark in enumerate(self._marks) if mark.overlap is overlap)
        mark, table = self._marks[index], self._marked_tables[index]
        found = sa.exists().where(*(table.c[d] == self._tables.key(d) for d in mark.plan.keys))
        regions = [self._tables.element(name).c.region for name in mark.elements if self._tables.has_element(name)]
        unknown = sa.or_(sa.false(), *(region.is_(None) for region in regions))
        return sa.case((unknown, sa.null()), else_=found)
