# SPDX-License-Identifier: BSD-3-Clause
"""Any text is read or refused with an error of ours that points at a place; what is in a bind or a name is data."""

import warnings
from typing import Any

import pytest
from hypothesis import example as tried
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import PachonError
from pachon.dimensions import DimensionUniverse
from pachon.dimensions.testing.volume import volume
from pachon.registry import InvalidQueryError, SqlRegistry
from pachon.registry.query.parser import parse
from pachon.registry.query.resolve import resolve
from pachon.registry.query.scope import Scope

TEXT = (
    "instrument detector exposure.timespan visit.region patch.cell_x raw.run raw.dataset_id seq_num exposure.has_simulated AND OR NOT IN "
    "OVERLAPS GLOB( POINT( CIRCLE( BOX( POLYGON( REGION('CIRCLE UUID('x') T'2021-01-01' T'x NULL TRUE :b :c 'x' ' 1..5:2 1.5 -3 ( ) , = != "
    "<= < + - * / % .begin exposure.timespan.begin 99999999999999999999 1e999 nope a.b.c.d \n ; -- \0 \ud800 é"
)
WORDS = TEXT.split(" ")
BINDS: dict[str, Any] = {"b": [1, 2, "x"], "c": 1.5}
HOSTILE = [
    "x' OR '1'='1",
    "'; DROP TABLE dataset; --",
    '"',
    "\\",
    "%",
    "_",
    "*",
    "a\nb",
    "é",
    "1; SELECT 1",
    "%(x)s",
    ":x",
    "{x}",
    "\x7f",
]


def _scope() -> Scope:
    universe = DimensionUniverse.default()
    return Scope(dimensions=universe.conform(["exposure", "detector", "visit", "patch"]), dataset_types=("raw",))


def _read(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            resolve(text, _scope(), BINDS)
        except PachonError as error:
            _check(error, text)


def _check(error: PachonError, text: str) -> None:
    assert isinstance(error, InvalidQueryError)
    assert str(error)
    assert error.position is not None
    assert 0 <= error.position <= len(text)
    # The caret, for people: the line and the place under it.
    line, caret = error.pointer.split("\n")
    assert caret.endswith("^")
    assert error.__notes__ == [error.pointer]
    # Of a long line only a part is shown.
    assert line in text or line.removeprefix("...").removesuffix("...") in text


@volume(150)
@given(st.text(max_size=80))
@tried("(" * 5000)
@tried("NOT " * 5000 + "a")
@tried("1 + " * 5000 + "1")
def test_any_text(text: str) -> None:
    _read(text)


@volume(300)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_any_words(text: str) -> None:
    _read(text)


@volume(60)
@given(
    st.recursive(
        st.sampled_from(["a = 1", "b", "NOT c"]),
        lambda s: st.lists(s, min_size=1, max_size=3).map(lambda p: f"({' AND '.join(p)})"),
    )
)
def test_nesting_is_read_or_refused(text: str) -> None:
    try:
        assert parse(text) is not None
    except InvalidQueryError:
        assert text.count("(") > 20


@pytest.mark.parametrize("text", HOSTILE)
def test_sql_in_a_bind_is_data(example: SqlRegistry, text: str) -> None:
    ask = example.query.data_ids
    before = len(ask(["detector"]))
    assert len(ask(["detector"], where="instrument = :x", bind={"x": text})) == 0
    assert len(ask(["detector"], where="instrument IN (:x)", bind={"x": [text, "Cam1"]})) == 4
    assert len(ask(["detector"], where="GLOB(instrument, :x)", bind={"x": text.replace("*", "")})) == 0
    assert len(ask(["detector"], data_id={"instrument": text})) == 0
    if "'" not in text and "\n" not in text:
        assert len(ask(["detector"], where=f"instrument = '{text}'")) == 0
    with pytest.raises(PachonError):
        ask(["detector"], where=f"{text} = 1 AND")
    with pytest.raises(PachonError):
        ask(["detector"], order_by=[text])
    with pytest.raises(PachonError):
        ask([text])
    with pytest.raises(PachonError):
        example.query.datasets("bias", [text])
    with pytest.raises(PachonError):
        example.query.datasets(text, "imported_g")
    with pytest.raises(PachonError):
        example.query.general(["detector"], [text])
    assert len(ask(["detector"])) == before


def test_a_bind_of_text_with_a_quote_finds_it(registry: SqlRegistry) -> None:
    registry.dimension_records.insert("instrument", [{"name": "it's"}, {"name": '"x"'}])
    found = registry.query.data_ids(["instrument"], where="instrument IN (:a, :b)", bind={"a": "it's", "b": ['"x"']})
    assert len(found) == 2


def test_fifty_thousand_binds_of_every_kind(example: SqlRegistry) -> None:
    many = list(range(-49_000, 1_001))
    bind = {"i": many, "s": [f"obs{i}" for i in many], "f": [float(i) for i in many]}
    where = "instrument = 'Cam1' AND exposure.seq_num IN (:i) AND exposure.obs_id IN (:s) AND exposure.exposure_time IN (:f)"
    assert len(example.query.data_ids(["exposure"], where=where, bind=bind)) == 4
