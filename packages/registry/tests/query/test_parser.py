# SPDX-License-Identifier: BSD-3-Clause
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.registry.errors import InvalidQueryError, QueryNameError, QuerySyntaxError
from pachon.registry.query import syntax as s
from pachon.registry.query.lexer import RESERVED
from pachon.registry.query.parser import MAX_CHAIN, MAX_DEPTH, parse
from pachon.registry.query.printer import print_expression

ONE, TWO, THREE = (s.IntLiteral(value=n) for n in (1, 2, 3))
A, B, C = (s.Identifier(words=(n,)) for n in "abc")


def _equals(left: s.Expression, right: s.Expression) -> s.Binary:
    return s.Binary(operator="=", left=left, right=right)


@pytest.mark.parametrize("text", ["", "  ", "\n\t\r"])
def test_blank(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", A),
        ("a.b", s.Identifier(words=("a", "b"))),
        ("a.timespan.begin", s.Identifier(words=("a", "timespan", "begin"))),
        ("NOT a = 1 AND b = 2", s.And(operands=(s.Not(operand=_equals(A, ONE)), _equals(B, TWO)))),
        ("a or b and c", s.Or(operands=(A, s.And(operands=(B, C))))),
        ("(a or b) and c", s.And(operands=(s.Or(operands=(A, B)), C))),
        (
            "1 + 2 * 3",
            s.Binary(operator="+", left=ONE, right=s.Binary(operator="*", left=TWO, right=THREE)),
        ),
        (
            "1 - 2 - 3",
            s.Binary(operator="-", left=s.Binary(operator="-", left=ONE, right=TWO), right=THREE),
        ),
        ("-a % 3", s.Binary(operator="%", left=s.Unary(operator="-", operand=A), right=THREE)),
        ("1 < a < 3", s.Binary(operator="<", left=s.Binary(operator="<", left=ONE, right=A), right=THREE)),
        ("a in (1, 2)", s.IsIn(operand=A, items=(ONE, TWO))),
        (
            "a NOT IN (1..4:2, -2, :d)",
            s.IsIn(
                operand=A,
                items=(
                    s.RangeLiteral(start=1, stop=4, stride=2),
                    s.Unary(operator="-", operand=TWO),
                    s.BindName(name="d"),
                ),
                negated=True,
            ),
        ),
        ("a IN (1 .. 3 : 2)", s.IsIn(operand=A, items=(s.RangeLiteral(start=1, stop=3, stride=2),))),
        ("a IN (-5..-1)", s.IsIn(operand=A, items=(s.RangeLiteral(start=-5, stop=-1),))),
        ("a overlaps t'2021'", s.Binary(operator="OVERLAPS", left=A, right=s.TimeLiteral(text="2021"))),
        (
            "(T'x', NULL) OVERLAPS a",
            s.Binary(
                operator="OVERLAPS",
                left=s.TimespanTuple(begin=s.TimeLiteral(text="x"), end=s.Identifier(words=("NULL",))),
                right=A,
            ),
        ),
        ("glob(a, 'x?')", s.Call(function="GLOB", arguments=(A, s.StringLiteral(value="x?")))),
        ("a = 'B'", _equals(A, s.StringLiteral(value="B"))),
        ("a = .5", _equals(A, s.FloatLiteral(value=0.5))),
        ("a = 1.", _equals(A, s.FloatLiteral(value=1.0))),
        ("a = 1.5e-3", _equals(A, s.FloatLiteral(value=0.0015))),
        ("a = 1e3", _equals(A, s.FloatLiteral(value=1000.0))),
    ],
)
def test_tree(text: str, tree: s.Expression) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("a == 'Cam1'", 2),
        ("a <> 'Cam1'", 2),
        ("a LIKE 'x'", 2),
        ("a BETWEEN 1 AND 2", 2),
        ("a IS NOT NULL", 2),
        ('a = "Cam1"', 4),
        ("!x", 0),
        ("# c", 0),
        ("a;", 1),
        ("'it''s' = 'x'", 4),
        ("0x1", 1),
        ("a.b.c.d = 1", 0),
        ("T '2021-09-10'", 2),
        ("a IN (1..4:0)", 11),
        ("a IN ()", 6),
        ("a IN (1+1)", 7),
        ("a IN (1,)", 8),
        ("a IN (b.c)", 6),
        ("a IN ((1, 2))", 6),
        ("a IN (POINT(1, 2))", 6),
        ("a IN 1", 5),
        ("a = 'open", 4),
        ("a = :ts.begin", 7),
        ("a. = 1", 1),
        ("POLYGON(-1,-1,1,-1)", 0),
        ("POINT(0)", 0),
        ("POINT(1+1, 2)", 0),
        ("glob('A', b)", 0),
        ("glob(a, b)", 0),
        ("UUID(1)", 0),
        ("(a = 1", 6),
        ("a = ", 4),
        ("a = 9223372036854775808", 4),
        ("a = 1e999", 4),
        ("a b", 2),
        ("AND", 0),
        ("a.b(1)", 0),
        ("\x00", 0),
        ("(" * 1000, MAX_DEPTH),
        ("NOT " * 1000 + "a", 4 * MAX_DEPTH),
        ("1" + "+1" * 1000, 2 * MAX_CHAIN + 1),
    ],
)
def test_syntax_errors(text: str, position: int) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)
    assert caught.value.position is not None
    assert abs(caught.value.position - position) <= 4 * (position > 50)
    assert "\n" not in str(caught.value)


def test_unknown_function() -> None:
    with pytest.raises(QueryNameError, match="CIRCLE"):
        parse("CIRCEL(1, 2, 3)")


def test_pointer() -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse("a = 1\n AND b == 2")
    assert caught.value.pointer == " AND b == 2\n       ^"
    assert (caught.value.line, caught.value.column) == (2, 8)
    assert "line 2, column 8" in str(caught.value)


def test_long_conjunctions_are_not_deep() -> None:
    tree = parse(" OR ".join(f"a = {i}" for i in range(20_000)))
    assert isinstance(tree, s.Or)
    assert len(tree.operands) == 20_000


_words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True).filter(
    lambda w: w.upper() not in RESERVED and w not in "tT"
)
_ints = st.integers(0, 2**63 - 1)
_floats = st.floats(0, allow_nan=False, allow_infinity=False)
_strings = st.text(st.characters(exclude_characters="'\n"), max_size=5)
_literals = (
    st.builds(s.IntLiteral, value=_ints)
    | st.builds(s.FloatLiteral, value=_floats)
    | st.builds(s.StringLiteral, value=_strings)
    | st.builds(s.TimeLiteral, text=_strings)
)
_ranges = st.builds(
    s.RangeLiteral,
    start=st.integers(-(2**63) + 1, 2**63 - 1),
    stop=st.integers(-(2**63) + 1, 2**63 - 1),
    stride=st.integers(1, 2**63 - 1),
)
_binds = st.builds(s.BindName, name=_words)
_names = st.builds(s.Identifier, words=st.lists(_words, min_size=1, max_size=3).map(tuple))
_signs = st.sampled_from("+-")
_numbers = st.builds(s.IntLiteral, value=_ints) | st.builds(s.FloatLiteral, value=_floats)
_signed = _numbers | st.builds(s.Unary, operator=_signs, operand=_numbers)
_uuids = st.builds(s.Call, function=st.just("UUID"), arguments=st.tuples(st.builds(s.StringLiteral, value=_strings)))
_items = st.lists(
    _literals | _signed | _ranges | _binds | _uuids | st.builds(s.Identifier, words=st.tuples(_words)),
    min_size=1,
    max_size=3,
).map(tuple)
_calls = (
    st.builds(s.Call, function=st.just("POINT"), arguments=st.tuples(_signed, _signed | _binds))
    | st.builds(s.Call, function=st.just("GLOB"), arguments=st.tuples(_names, _binds))
    | _uuids
)


def _larger(inner: st.SearchStrategy[s.Expression]) -> st.SearchStrategy[s.Expression]:
    operators = st.sampled_from([*s.COMPARISONS, "+", "-", "*", "/", "%"])
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return (
        st.builds(s.Binary, operator=operators, left=inner, right=inner)
        | st.builds(s.Unary, operator=_signs, operand=inner)
        | st.builds(s.Not, operand=inner)
        | st.builds(s.And, operands=several)
        | st.builds(s.Or, operands=several)
        | st.builds(s.IsIn, operand=inner, items=_items, negated=st.booleans())
        | st.builds(s.TimespanTuple, begin=inner, end=inner)
    )


expressions = st.recursive(_literals | _ranges | _names | _binds | _calls, _larger, max_leaves=12)


@given(expressions)
def test_print_and_parse(expression: s.Expression) -> None:
    assert parse(print_expression(expression)) == expression


_pieces = """
a b.c :d 'x' T'2020' 1 2.5 1..3 1..4:2 ( ) , + - * / % = != < <= > >= OVERLAPS AND OR NOT IN GLOB( POINT( UUID(
NULL . : ' " ! é \0 9999999999999999999
"""
_soup = st.lists(st.sampled_from(_pieces.split()), max_size=25).map(" ".join)


@given(st.text(max_size=40) | _soup)
def test_only_its_own_errors(text: str) -> None:
    place: int | None = 0
    try:
        tree = parse(text)
    except InvalidQueryError as error:
        place = error.position
    else:
        assert tree is None or parse(print_expression(tree)) == tree
    assert place is not None
    assert 0 <= place <= len(text)
