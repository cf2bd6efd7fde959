# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Mapping
from pathlib import Path

import pytest

from pachon.base import FormatError, InvalidInputError
from pachon.pipe_base import InstrumentNotFoundError, find_instrument, instrument
from pachon.pipe_base.instrument import override_files


class SampleInstrument:
    name = "Sample"
    collection_prefix = "sample"
    config_paths = ("/nowhere",)


class NoInstrument:
    name = "Bad"


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins: Mapping[str, Mapping[str, object]] = {
        instrument.INSTRUMENT_GROUP: {"sample": SampleInstrument},
        instrument.ALIAS_GROUP: {"test": {"lsst.obs.sample.Sample": "sample"}},
    }
    monkeypatch.setattr(instrument, "plugin_names", lambda group: tuple(plugins[group]))
    monkeypatch.setattr(instrument, "load_plugin", lambda group, name: plugins[group][name])


@pytest.mark.parametrize("name", ["sample", "Sample", "lsst.obs.sample.Sample", f"{__name__}.SampleInstrument"])
@pytest.mark.usefixtures("registered")
def test_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instrument, "import_object", lambda path: SampleInstrument)
    assert find_instrument(name).name == "Sample"


@pytest.mark.usefixtures("registered")
def test_unknown_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InstrumentNotFoundError) as caught:
        find_instrument("sampel")
    assert str(caught.value) == ("Instrument 'sampel' is not known: registered are sample. Did you mean 'sample'?")
    with pytest.raises(InstrumentNotFoundError) as caught:
        find_instrument("no.such.Cam")
    assert str(caught.value) == (
        "Instrument 'no.such.Cam' is not known: 'no.such.Cam' cannot be imported: there is no module 'no' "
        "(PYTHONPATH names the folders of modules that are not installed)."
    )
    monkeypatch.setattr(instrument, "import_object", lambda path: NoInstrument)
    with pytest.raises(InvalidInputError, match=r"'a\.B' is no instrument"):
        find_instrument("a.B")


def test_a_mapping_file_is_an_instrument(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "isr.py").write_text("config.n = 3")
    (tmp_path / "cam.yaml").write_text("name: Cam\ncollection_prefix: cam\nconfig_paths: [config]\n")
    found = find_instrument(str(tmp_path / "cam.yaml"))
    assert (found.name, found.collection_prefix) == ("Cam", "cam")
    assert override_files(found, "isr") == [str(tmp_path / "config" / "isr.py")]
    assert override_files(found, "other") == []
    assert override_files(found, "") == []


def test_mapping_files_that_are_wrong(tmp_path: Path) -> None:
    path = tmp_path / "cam.yaml"
    with pytest.raises(InstrumentNotFoundError, match=r"there is no such file\."):
        find_instrument(str(path))
    for text, problem in (("[1]", "holds no mapping"), ("nam: x", "has no 'name'"), ("a: [", "is not valid YAML")):
        path.write_text(text)
        with pytest.raises(FormatError, match=problem):
            find_instrument(str(path))
