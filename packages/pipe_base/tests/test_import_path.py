# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest

from pachon.pipe_base import ImportPathError, Struct, import_object


def test_objects_are_found() -> None:
    assert import_object("pachon.pipe_base.struct.Struct") is Struct
    assert import_object("pachon.pipe_base.struct:Struct.merge") is Struct.merge


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Struct", "'Struct' cannot be imported: it is not of the form 'package.module.Name'."),
        ("a b.C", "'a b.C' cannot be imported: it is not of the form 'package.module.Name'."),
        (
            "nowhere.to.be.Found",
            (
                "'nowhere.to.be.Found' cannot be imported: there is no module 'nowhere' "
                "(PYTHONPATH names the folders of modules that are not installed)."
            ),
        ),
        (
            "pachon.pipe_base.struct.Strct",
            (
                "'pachon.pipe_base.struct.Strct' cannot be imported: module 'pachon.pipe_base.struct' has no 'Strct'."
                " Did you mean 'Struct'?"
            ),
        ),
        (
            "pachon.pipe_base.struct.zzz",
            "'pachon.pipe_base.struct.zzz' cannot be imported: module 'pachon.pipe_base.struct' has no 'zzz'.",
        ),
    ],
)
def test_one_clear_sentence(path: str, text: str) -> None:
    with pytest.raises(ImportPathError) as caught:
        import_object(path)
    assert str(caught.value) == text
    assert isinstance(caught.value, ImportError)


def test_a_module_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_for_test.py").write_text("raise ValueError('not today')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportPathError) as caught:
        import_object("broken_for_test.Task")
    assert str(caught.value) == (
        "'broken_for_test.Task' cannot be imported: module 'broken_for_test' fails with ValueError: not today."
    )
