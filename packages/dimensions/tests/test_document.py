# SPDX-License-Identifier: BSD-3-Clause
"""A universe that is taken as it is, and what its models say of it."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings

from pachon.base import FormatError
from pachon.base.plain_shape import Fields, fits
from pachon.base.testing.plain_shapes import near_documents
from pachon.dimensions import document_models
from pachon.dimensions.document import COLUMN, ELEMENT, TOPOLOGY, UNIVERSE
from pachon.dimensions.document_models import validate_document


@pytest.mark.parametrize(
    ("fields", "model"),
    [(COLUMN, "ColumnModel"), (ELEMENT, "ElementModel"), (TOPOLOGY, "TopologyModel"), (UNIVERSE, "UniverseModel")],
)
def test_keys_are_those_of_the_models(fields: Fields, model: str) -> None:
    known = getattr(document_models, model).model_fields
    assert set(fields.kinds) == set(known)
    assert fields.required == {name for name, field in known.items() if field.is_required()}


@given(near_documents(UNIVERSE))
@settings(max_examples=300)
def test_the_models_change_nothing_in_a_document_that_fits(document: Any) -> None:
    if fits(document, UNIVERSE):
        assert validate_document(document) == document


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": "x"}, r"wrong at version: Input should be a valid integer.*it is 'x'"),
        ({"elements": {"a": {"keys": [{"name": "id", "type": "number"}]}}}, r"wrong at elements\.a\.keys\.0\.type"),
        ({"elements": {"a": {"keys": [{"name": "id", "type": "int", "length": 0}]}}}, "greater than 0"),
        ({"topology": {1: "a"}}, r"wrong at topology\.1: Keys should be strings"),
    ],
)
def test_what_does_not_fit_is_told(change: dict[str, Any], message: str) -> None:
    document = {"version": 1, "skypix": {}, "elements": {}} | change
    assert not fits(document, UNIVERSE)
    with pytest.raises(FormatError, match=message):
        validate_document(document)


def test_the_default_universe_needs_no_models() -> None:
    code = "import sys; from pachon.dimensions import DimensionUniverse as U; U.default(); print('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_document_in_another_form_is_read_as_before() -> None:
    plain = {"version": 3, "skypix": {"common": "htm7"}, "elements": {"a": {"governor": True, "new": 1}}}
    written = {"version": "3", "skypix": {"common": "htm7"}, "elements": {"a": {"governor": "yes", "new": 1}}}
    assert fits(plain, UNIVERSE)
    assert not fits(written, UNIVERSE)
    assert validate_document(written) == plain
