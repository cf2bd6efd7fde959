# SPDX-License-Identifier: BSD-3-Clause
"""Texts below fields, of classes in all places where a class can stand."""

import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

from pydantic import Field, create_model

from pachon.pipe_base.config import Config


def _docs(cls: type[Config]) -> dict[str, str | None]:
    return {name: field.description for name, field in cls.model_fields.items()}


class BaseConfig(
    Config,
    frozen=False,
):
    """A head of several lines."""

    width: int = 1
    """Width,

    in pixels.
    """
    height: int = 2
    told: int = Field(default=3, description="Said by the field.")
    """Not this one."""
    last: int = 4
    "One line."


class MoreConfig(BaseConfig):
    """Fields that are given again have the text that is given again, if any."""

    width: int = 5
    height: int = 6
    """Height."""

    class PartConfig(Config):
        """A class in a class."""

        height: int = 7
        """Of the part."""

    def set_defaults(self) -> None:
        """A text that belongs to no field."""
        note: int = 8
        """Neither does this."""
        del note


def test_texts_of_several_lines_of_fields_and_of_inherited_ones() -> None:
    assert _docs(BaseConfig) == {
        "width": "Width,\n\nin pixels.",
        "height": None,
        "told": "Said by the field.",
        "last": "One line.",
    }
    assert _docs(MoreConfig) == {
        "width": None,
        "height": "Height.",
        "told": "Said by the field.",
        "last": "One line.",
    }
    assert _docs(MoreConfig.PartConfig) == {"height": "Of the part."}


def test_classes_of_one_name_in_functions_keep_their_own_texts() -> None:
    def first() -> type[Config]:
        class TwinConfig(Config):
            size: int = 1
            """The first."""

        return TwinConfig

    def second() -> type[Config]:
        @typing.dataclass_transform()
        class TwinConfig(Config):
            size: int = 1
            """The second."""

        return TwinConfig

    assert (_docs(first()), _docs(second())) == ({"size": "The first."}, {"size": "The second."})


def test_classes_without_source_have_no_texts() -> None:
    made: Any = create_model("MadeConfig", __base__=BaseConfig, more=(int, 1))
    assert _docs(made) == {**_docs(BaseConfig), "more": None}
    names: dict[str, Any] = {"Config": Config, "__name__": "nowhere"}
    exec('class TypedConfig(Config):\n    size: int = 1\n    """Typed."""\n', names)
    assert _docs(names["TypedConfig"]) == {"size": None}


def test_fields_whose_types_are_known_later_keep_their_texts() -> None:
    names: dict[str, Any] = {}

    class LateConfig(Config):
        part: "PartConfig | None" = None  # noqa: F821
        """Known later."""

    names["PartConfig"] = MoreConfig.PartConfig
    LateConfig.model_rebuild(_types_namespace=names)
    assert _docs(LateConfig) == {"part": "Known later."}


def test_a_module_that_changed_since_it_was_loaded_gives_no_wrong_texts(tmp_path: Path) -> None:
    module = tmp_path / "changing.py"
    module.write_text(
        "from pathlib import Path\n"
        "from pachon.pipe_base.config import Config\n"
        "Path(__file__).write_text('class Broken(\\n')\n"
        "class AConfig(Config):\n    size: int = 1\n    '''Old.'''\n"
        "print(AConfig.model_fields['size'].description)\n"
    )
    done = subprocess.run([sys.executable, str(module)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"
