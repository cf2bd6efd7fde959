# SPDX-License-Identifier: BSD-3-Clause
import pickle
from types import SimpleNamespace
from typing import Any

import pytest

from pachon.base import ReadOnlyError
from pachon.pipe_base.connections import (
    ConnectionDefinitionError,
    InitInput,
    InitOutput,
    Input,
    MissingPrerequisiteError,
    Output,
    PipelineTaskConnections,
    PrerequisiteInput,
    QuantumRefs,
    ScalarError,
)
from pachon.pipe_base.outcomes import NoWorkFound

VISIT = ("instrument", "visit")


class BaseConnections(PipelineTaskConnections, dimensions=VISIT, templates={"kind": "deep"}):
    image = Input(name="image", storage_class="Image", dimensions=VISIT, doc="the image")
    flats = PrerequisiteInput(name="{kind}_flat", storage_class="Image", dimensions=VISIT, multiple=True, minimum=2)
    schema = InitInput(name="schema", storage_class="Table")
    coadd = Output(name="{kind}_coadd", storage_class="Image", dimensions=VISIT)
    columns = InitOutput(name="columns", storage_class="Table")


class DynamicConnections(BaseConnections):
    extra = Input(name="extra", storage_class="Image", dimensions=VISIT)

    def __init__(self, *, config: Any = None) -> None:
        super().__init__(config=config)
        if config.drop:
            del self.extra
            self.remove_connection("columns")
        if config.by_detector:
            self.dimensions = (*self.dimensions, "detector")
            self.image = PrerequisiteInput(name="{kind}_image", storage_class="Image", dimensions=VISIT)
        for i in range(config.n):
            setattr(self, f"part{i}", Output(name=f"part{i}_{{kind}}", storage_class="Image", dimensions=VISIT))


def options(**changes: Any) -> SimpleNamespace:
    return SimpleNamespace(**{"drop": False, "by_detector": False, "n": 0, **changes})


def test_an_instance_has_the_resolved_names() -> None:
    connections = BaseConnections()
    assert connections.coadd.name == "deep_coadd"
    assert BaseConnections.coadd.name == "{kind}_coadd"
    assert (list(connections.inputs), list(connections.prerequisite_inputs)) == (["image"], ["flats"])
    assert (list(connections.outputs), list(connections.init_inputs)) == (["coadd"], ["schema"])
    assert list(connections.init_outputs) == ["columns"]
    assert list(connections.all_connections) == ["image", "flats", "schema", "coadd", "columns"]


def test_names_and_templates_come_from_the_configuration() -> None:
    names = SimpleNamespace(kind="good", image="{kind}_other", coadd="plain")
    connections = BaseConnections(config=SimpleNamespace(connections=names))
    assert [connections.image.name, connections.coadd.name] == ["good_other", "plain"]
    assert connections.flats.name == "good_flat"


def test_templates_are_inherited_and_replaced() -> None:
    class _OtherConnections(BaseConnections, templates={"kind": "fine"}):
        pass

    connections = _OtherConnections()
    assert connections.coadd.name == "fine_coadd"
    assert connections.dimensions == VISIT


def test_a_subclass_may_hide_a_connection() -> None:
    class _LessConnections(BaseConnections):
        flats = None  # type: ignore[assignment]

    assert "flats" not in _LessConnections().all_connections


def test_dynamic_connections() -> None:
    assert "extra" in DynamicConnections(config=options()).inputs
    connections = DynamicConnections(config=options(drop=True, by_detector=True, n=2))
    assert connections.dimensions == (*VISIT, "detector")
    assert list(connections.inputs) == []
    assert list(connections.prerequisite_inputs) == ["image", "flats"]
    assert connections.image.name == "deep_image"
    assert connections.part1.name == "part1_deep"
    assert list(connections.outputs) == ["coadd", "part0", "part1"]
    with pytest.raises(AttributeError) as caught:
        _ = connections.extra
    assert str(caught.value) == "DynamicConnections.extra was removed by the configuration."
    with pytest.raises(AttributeError, match=r"DynamicConnections has no connection 'imge'\. Did you mean 'image'"):
        _ = connections.imge


def test_a_complete_object_cannot_be_changed() -> None:
    connections = BaseConnections()
    with pytest.raises(ReadOnlyError, match=r"BaseConnections.image can be set in the constructor only\."):
        connections.image = Input(name="x", storage_class="X")
    with pytest.raises(ReadOnlyError, match=r"BaseConnections.image can be removed in the constructor only\."):
        del connections.image
    with pytest.raises(ReadOnlyError) as caught:
        connections.inputs.remove("image")
    assert str(caught.value) == (
        "Connections are not changed in these sets; in the constructor write 'del self.image' or "
        "self.remove_connection('image') to remove one, and 'self.image = Input(...)' to add one."
    )


def _define(
    name: str = "Bad", dimensions: Any = VISIT, templates: Any = None, options: Any = None, **members: Any
) -> Any:
    return type(
        name, (PipelineTaskConnections,), members, dimensions=dimensions, templates=templates, **(options or {})
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            {"dimensions": None},
            'Bad: no dimensions; write class ...(PipelineTaskConnections, dimensions=("visit",)).',
        ),
        (
            {"dimensions": "visit"},
            "Bad: dimensions must be a sequence of names, not the text 'visit'; a comma is missing.",
        ),
        ({"dimensions": ("visit", "Visit!")}, "Bad: 'Visit!' cannot be the name of a dimension."),
        ({"options": {"dimension": VISIT}}, "Bad: the class has no option 'dimension'. Did you mean 'dimensions'?"),
        (
            {"options": {"bands": "gri"}},
            "Bad: the class has no option 'bands'. Its options are dimensions, templates, deprecated_templates.",
        ),
        ({"templates": ["a"]}, "Bad: templates must be a mapping from names to texts, not ['a']."),
        (
            {"x": Input(name="a", storage_class="X", dimensions="visit")},  # type: ignore[arg-type]
            "Bad.x: dimensions must be a sequence of names, not the text 'visit'; a comma is missing.",
        ),
        ({"x": Input(name="a", storage_class="X", minimum=3)}, "Bad.x: minimum=3 needs multiple=True."),
        (
            {"x": Input(name="a", storage_class="X", multiple="yes")},  # type: ignore[arg-type]
            "Bad.x: multiple must be True or False, not 'yes'.",
        ),
        (
            {"x": Input(name="a", storage_class="X", doc=3)},  # type: ignore[arg-type]
            "Bad.x: doc must be a text, not 3.",
        ),
        (
            {"x": Input(name="{knd}_a", storage_class="X"), "templates": {"kind": "b"}},
            "Bad.x: template 'knd' in '{knd}_a' has no default. Did you mean 'kind'?",
        ),
        (
            {"x": Input(name="a", storage_class="X"), "templates": {"x": "b"}},
            "Bad.x: a template has the same name.",
        ),
        (
            {"inputs": Input(name="a", storage_class="X")},
            "Bad.inputs: a connection cannot have this name, which is reserved.",
        ),
        (
            {"_x": Input(name="a", storage_class="X")},
            "Bad._x: names of connections cannot begin with an underscore.",
        ),
        ({"templates": {"a-b": "c"}}, "Bad: 'a-b' cannot be the name of a template."),
    ],
)
def test_definitions_are_checked(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConnectionDefinitionError) as caught:
        _define(**arguments)
    assert str(caught.value) == problem


@pytest.mark.parametrize("name", ["dimensions", "templates", "keys", "model_config"])
def test_reserved_names_are_refused_whatever_else_is_said(name: str) -> None:
    with pytest.raises(ConnectionDefinitionError, match=rf"Bad\.{name}: a connection cannot have this name"):
        type(PipelineTaskConnections)(
            "Bad",
            (PipelineTaskConnections,),
            {name: Input(name="a", storage_class="X")},
            dimensions=("visit",),
            templates={"kind": "b"},
        )


def test_objects_are_checked_too() -> None:
    names = SimpleNamespace(coadd="{knid}_x")
    with pytest.raises(ConnectionDefinitionError) as caught:
        BaseConnections(config=SimpleNamespace(connections=names))
    assert str(caught.value) == (
        "BaseConnections.coadd: the name '{knid}_x' uses an unknown template. Did you mean 'kind'?"
    )
    names = SimpleNamespace(coadd="no good")
    with pytest.raises(ConnectionDefinitionError) as caught:
        BaseConnections(config=SimpleNamespace(connections=names))
    assert str(caught.value) == "BaseConnections.coadd: 'no good' is not a legal dataset type name."

    class _TwiceConnections(BaseConnections):
        other = Output(name="deep_coadd", storage_class="Image", dimensions=VISIT)

    with pytest.raises(ConnectionDefinitionError) as caught:
        _TwiceConnections()
    assert str(caught.value) == (
        "_TwiceConnections.other: dataset type 'deep_coadd' is written by connection 'coadd' too."
    )


def test_a_missing_connection_cannot_be_removed() -> None:
    class _WrongConnections(BaseConnections):
        def __init__(self, *, config: Any = None) -> None:
            super().__init__(config=config)
            del self.imagee

    with pytest.raises(ConnectionDefinitionError) as caught:
        _WrongConnections()
    assert str(caught.value) == "_WrongConnections.imagee: there is no such connection. Did you mean 'image'?"


def test_the_base_hook_checks_the_number_of_datasets() -> None:
    connections = BaseConnections()
    inputs: dict[str, Any] = {"image": (connections.image, ["a"]), "flats": (connections.flats, ["b", "c"])}
    outputs: dict[str, Any] = {"coadd": (connections.coadd, ["d"])}
    assert connections.adjust_quantum(inputs, outputs, "warp", "{visit: 1}") == ({}, {})
    with pytest.raises(NoWorkFound) as none:
        connections.adjust_quantum({**inputs, "image": (connections.image, [])}, outputs, "warp", "{visit: 1}")
    assert str(none.value) == ("Task 'warp', connection 'image': 0 datasets 'image' for {visit: 1}, at least 1 needed.")
    with pytest.raises(MissingPrerequisiteError) as missing:
        connections.adjust_quantum({**inputs, "flats": (connections.flats, ["b"])}, outputs, "warp", "{visit: 1}")
    assert str(missing.value) == (
        "Task 'warp', connection 'flats': 1 prerequisite datasets 'deep_flat' for {visit: 1}, at least 2 needed."
    )
    assert isinstance(missing.value, FileNotFoundError)
    with pytest.raises(ScalarError) as scalar:
        connections.adjust_quantum(inputs, {"coadd": (connections.coadd, ["d", "e"])}, "warp", "{visit: 1}")
    assert str(scalar.value) == (
        "Task 'warp', connection 'coadd': 2 datasets 'deep_coadd' for {visit: 1}, but the connection takes one; "
        "declare it with multiple=True or constrain the data ID."
    )
    for error in (missing.value, scalar.value):
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_the_bounds_hooks_give_nothing_by_default() -> None:
    connections = BaseConnections()
    assert connections.spatial_bounds_connections() == ()
    assert connections.temporal_bounds_connections() == ()
    connections.adjust_all_quanta(None)


def test_quantum_refs() -> None:
    connections = BaseConnections()
    refs: Any = QuantumRefs({"image": ["a"], "flats": ["b"]}, connections.all_connections)
    assert (refs.image, refs.flats) == ("a", ["b"])
    assert not hasattr(refs, "coadd")
    assert refs.keys() == ["image", "flats"]
    assert dict(refs) == {"image": "a", "flats": ["b"]}
    assert QuantumRefs({}, connections.all_connections).keys() == ["flats"]
