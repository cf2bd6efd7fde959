# SPDX-License-Identifier: BSD-3-Clause
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from pachon.base import FormatError
from pachon.pipe_base.config import Config, ConfigError, compare_configs
from pachon.pipe_base.config.document import flat_values


class PartConfig(Config):
    x: float = 0.0
    names: list[str] = Field(default=[])


class WholeConfig(Config):
    part: PartConfig = Field(default_factory=PartConfig)
    parts: dict[str, PartConfig] = Field(default={})
    limits: tuple[int, ...] = ()
    tags: set[str] = Field(default=set())
    by_number: dict[int, str] = Field(default={})
    note: str | None = None


values = st.fixed_dictionaries(
    {},
    optional={
        "limits": st.lists(st.integers()),
        "tags": st.sets(st.text(max_size=3), max_size=3),
        "by_number": st.dictionaries(st.integers(), st.text(max_size=3), max_size=3),
        "note": st.none() | st.text(max_size=5),
    },
)


@given(values, st.floats(allow_nan=False), st.lists(st.text(max_size=3), max_size=3))
def test_documents_are_json_and_are_read_back(fields: dict[str, object], x: float, names: list[str]) -> None:
    config = WholeConfig(**fields)  # type: ignore[arg-type]
    config.part.x = x
    for name in names:
        config.part.names.append(name)
    config.parts["a"] = PartConfig(x=1.0)
    document = json.loads(json.dumps(config.to_document()))
    again = WholeConfig.from_document(document)
    assert again == config
    assert again.to_document() == config.to_document()


def test_documents_that_do_not_fit() -> None:
    with pytest.raises(FormatError, match="This is no saved configuration"):
        WholeConfig.from_document({"values": {}})
    document = WholeConfig().to_document()
    with pytest.raises(FormatError) as caught:
        WholeConfig.from_document({**document, "version": 2})
    assert str(caught.value) == (
        f"The configuration of {__name__}.WholeConfig was saved in version 2 of the format; "
        "this version of pachon reads up to 1."
    )
    document["values"]["nte"] = 1
    with pytest.raises(ConfigError, match=r"WholeConfig has no field 'nte'\. Did you mean 'note'"):
        WholeConfig.from_document(document)


def test_comparison_names_every_difference_and_who_made_it() -> None:
    old, new = WholeConfig(), WholeConfig()
    new.part.x = 2.0
    new.tags.add("t")
    differences = compare_configs(old, new.to_document())
    assert [difference.name for difference in differences] == ["part.x", "tags"]
    text = str(differences[0])
    assert text.startswith("part.x: 0.0 (default) -> 2.0 (")
    assert "test_document.py:" in text
    assert compare_configs(new, new) == ()
    assert compare_configs(old, PartConfig())[0].name == "class"


def test_parts_of_what_was_empty_are_the_difference() -> None:
    new = WholeConfig()
    new.by_number[1] = "one"
    assert [difference.name for difference in compare_configs(WholeConfig(), new)] == ["by_number.1"]
    assert [difference.name for difference in compare_configs(new, WholeConfig())] == ["by_number.1"]


def test_flat_values() -> None:
    made = {"s": {"!target": "m.T", "x": 1}, "r": {"!names": ["b"], "b": {"y": 2}}, "o": {"p": {"!class": "m.P"}}}
    assert dict(flat_values(made)) == {"s.target": "m.T", "s.x": 1, "r.names": ["b"], "r['b'].y": 2, "o.p": "m.P"}
    assert dict(flat_values({"a": {"b": 1, "c": []}, "d": {}})) == {"a.b": 1, "a.c": [], "d": {}}
