# SPDX-License-Identifier: BSD-3-Clause
import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest

from pachon.pipe_base.connections import (
    ConnectionDefinitionError,
    InitInput,
    InitOutput,
    Input,
    Output,
    PipelineTaskConnections,
    PrerequisiteInput,
)
from pachon.pipe_base.connections.connection_types import connection_problem, template_fields


def test_names_may_hold_a_component() -> None:
    connection = Input(name="raw.wcs", storage_class="Wcs", dimensions=["visit"])  # type: ignore[arg-type]
    assert (connection.dataset_type_name, connection.component) == ("raw", "wcs")
    assert connection.dimensions == ("visit",)
    assert Input(name="raw", storage_class="X").component is None


def test_kinds() -> None:
    kinds = [cls(name="a", storage_class="B") for cls in (InitInput, InitOutput, Input, PrerequisiteInput, Output)]
    assert [c.kind for c in kinds] == ["init_input", "init_output", "input", "prerequisite_input", "output"]
    assert [c.is_input for c in kinds] == [True, False, True, True, False]
    assert [c.is_init for c in kinds] == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("connection", "problem"),
    [
        (Input(name="", storage_class="X"), "name must be a text that is not empty, not ''"),
        (Input(name="a", storage_class=""), "storage_class must be a text that is not empty, not ''"),
        (Input(name="a b", storage_class="X"), "'a b' is not a legal dataset type name"),
        (
            Input(name="{a", storage_class="X"),
            "the name '{a' has a malformed template (expected '}' before end of string)",
        ),
        (Input(name="a.b.c", storage_class="X"), "'a.b.c' is not a legal dataset type name"),
        (Output(name="a.b", storage_class="X"), "'a.b' names a component; only inputs may read components"),
        (
            Input(name="a", storage_class="X", dimensions="visit"),  # type: ignore[arg-type]
            "dimensions must be a sequence of names, not the text 'visit'; a comma is missing",
        ),
        (Input(name="a", storage_class="X", dimensions=(1,)), "1 cannot be the name of a dimension"),  # type: ignore[arg-type]
        (Input(name="a", storage_class="X", dimensions=3), "dimensions must be names, not 3"),  # type: ignore[arg-type]
        (Input(name="a", storage_class="X", minimum=-1), "minimum must be a whole number from 0 on, not -1"),
        (Input(name="a", storage_class="X", minimum=2), "minimum=2 needs multiple=True"),
        (
            PrerequisiteInput(name="a", storage_class="X", lookup_function=3),  # type: ignore[arg-type]
            "lookup_function must be callable, not 3",
        ),
        (Input(name="{a}_b", storage_class="X", minimum=0), ""),
        (InitOutput(name="a", storage_class="X"), ""),
    ],
)
def test_problems(connection: Input, problem: str) -> None:
    assert connection_problem(connection) == problem


def test_template_fields() -> None:
    assert template_fields("{a}_x_{b}") == ("a", "b")
    assert template_fields("plain") == ()


def test_connections_are_values() -> None:
    connection = Input(name="a", storage_class="X")
    assert connection == Input(name="a", storage_class="X")
    with pytest.raises(dataclasses.FrozenInstanceError):
        connection.name = "b"  # type: ignore[misc]


def _class_with(make: Callable[[], object]) -> type:
    class OddConnections(PipelineTaskConnections, dimensions=("visit",)):
        odd = make()

    return OddConnections


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Input(name="a", storageClass="Wcs"),  # type: ignore[call-arg]  # the mistake
            "Input has no option 'storageClass'. Did you mean 'storage_class'?",
        ),
        (
            lambda: Output(name="a", storage_class="Wcs", lookup=3),  # type: ignore[call-arg]  # the mistake
            (
                "Output has no option 'lookup'. Its options are name, storage_class, doc, deprecated, multiple, dimensions, "
                "is_calibration."
            ),
        ),
        (lambda: Input(storage_class="Wcs"), "Input needs the option 'name'."),  # type: ignore[call-arg]  # the mistake
        (lambda: Input(name="a"), "Input needs the option 'storage_class'."),  # type: ignore[call-arg]  # the mistake
        (lambda: Input("a"), "options are named, as in Input(name='a', ...)."),  # type: ignore[call-arg,misc]  # the mistake
    ],
)
def test_misspelled_options_are_named(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ConnectionDefinitionError) as caught:
        _class_with(make)
    place, _, text = str(caught.value).partition(": ")
    assert text == message
    assert place.startswith("<lambda>, line ")


def test_the_class_whose_body_is_wrong_is_named() -> None:
    with pytest.raises(ConnectionDefinitionError) as caught:

        class OddConnections(PipelineTaskConnections, dimensions=("visit",)):
            odd = Input(name="a", storage_class="Wcs", dimension=("visit",))  # type: ignore[call-arg]  # the mistake

    place, _, text = str(caught.value).partition(": ")
    assert re.fullmatch(r".*\.OddConnections\.odd, line \d+", place)
    assert text == "Input has no option 'dimension'. Did you mean 'dimensions'?"


def test_the_connection_is_named_before_python_has_bound_its_name() -> None:
    with pytest.raises(ConnectionDefinitionError) as caught:

        class Noted(PipelineTaskConnections, dimensions=("visit",)):
            odd: Input = Input(storage_class="Wcs")  # type: ignore[call-arg]  # the mistake

    assert (caught.value.connection, caught.value.problem) == ("odd", "Input needs the option 'name'")

    class Dynamic(PipelineTaskConnections, dimensions=("visit",)):
        def __init__(self, *, config: Any = None) -> None:
            self.late = Output(nam="a", storage_class="Wcs")  # type: ignore[call-arg]  # the mistake

    with pytest.raises(ConnectionDefinitionError) as caught:
        Dynamic()
    assert caught.value.class_name.endswith("Dynamic.__init__")
    assert caught.value.connection == "late"
    with pytest.raises(ConnectionDefinitionError) as caught:
        list(map(Input, "a"))
    assert caught.value.connection is None


def test_a_class_in_place_of_a_connection_is_named() -> None:
    with pytest.raises(ConnectionDefinitionError) as caught:
        _class_with(lambda: Input)
    assert str(caught.value) == "OddConnections.odd: this is a class; write Input(name=...)."
