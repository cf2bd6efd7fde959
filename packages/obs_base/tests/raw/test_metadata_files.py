# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from astro_metadata_translator import ObservationInfo
from astropy.io import fits

from pachon.base import FormatError
from pachon.butler import Butler
from pachon.obs_base.observation import load_translators
from pachon.obs_base.raw.ingest import RawIngestOptions, ingest_raws


@pytest.fixture
def folder(simulated: Path, tmp_path: Path) -> Path:
    made = tmp_path / "raws"
    made.mkdir()
    for detector in (0, 1):
        shutil.copy(simulated / "20250301" / f"S20250301_0004_ccd{detector}.fits", made)
    return made


def header(folder: Path, detector: int, **changes: Any) -> dict[str, Any]:
    return {**dict(fits.getheader(folder / f"S20250301_0004_ccd{detector}.fits")), **changes}


def target(butler: Butler) -> str:
    (record,) = butler.fetch_records("exposure")
    return str(record.target_name)


@pytest.mark.parametrize("form", ["metadata", "translated", "unmarked"])
def test_sidecar(butler: Butler, folder: Path, form: str) -> None:
    load_translators()
    for detector in (0, 1):
        content = header(folder, detector, OBJECT="from the sidecar")
        if form == "translated":
            content = ObservationInfo(content, pedantic=False, quiet=True).to_simple()
        if form != "unmarked":
            content["__CONTENT__"] = form
        (folder / f"S20250301_0004_ccd{detector}.json").write_text(json.dumps(content))
    report = ingest_raws(butler, [str(folder)])
    assert len(report.refs) == 2
    assert target(butler) == "from the sidecar"


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": 1}', '{"__CONTENT__": "other"}'])
def test_a_bad_sidecar_is_not_used(butler: Butler, folder: Path, text: str) -> None:
    (folder / "S20250301_0004_ccd0.json").write_text(text)
    assert len(ingest_raws(butler, [str(folder)]).refs) == 2
    assert target(butler) == "FIELD1"


def write_index(folder: Path, form: str) -> None:
    load_translators()
    entries = {}
    for detector in (0, 1):
        content = header(folder, detector, OBJECT="from the index")
        if form == "translated":
            content = ObservationInfo(content, pedantic=False, quiet=True).to_simple()
        entries[f"S20250301_0004_ccd{detector}.fits"] = content
    common = {key: value for key, value in entries["S20250301_0004_ccd0.fits"].items() if "instrument" in key.lower()}
    (folder / "_index.json").write_text(json.dumps({"__CONTENT__": form, "__COMMON__": common, **entries}))


@pytest.mark.parametrize("form", ["metadata", "translated"])
def test_index(butler: Butler, folder: Path, form: str) -> None:
    write_index(folder, form)
    (folder / "S20250301_0004_ccd0.json").write_text(json.dumps(header(folder, 0, OBJECT="from the sidecar")))
    assert len(ingest_raws(butler, [str(folder)]).refs) == 2
    assert target(butler) == "from the index"


def test_an_index_that_is_named(butler: Butler, folder: Path, simulated: Path) -> None:
    write_index(folder, "metadata")
    shutil.copy(simulated / "20250301" / "S20250301_0005_ccd0.fits", folder)
    report = ingest_raws(butler, [str(folder / "_index.json")])
    assert report.total == len(report.refs) == 2


def test_indexes_can_be_left_alone(butler: Butler, folder: Path) -> None:
    write_index(folder, "metadata")
    ingest_raws(butler, [str(folder)], RawIngestOptions(search_indexes=False))
    assert target(butler) == "FIELD1"


def test_a_bad_index(butler: Butler, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "_index.json").write_text("{}")
    with pytest.raises(FormatError, match=r"_index.json is no index of headers"):
        ingest_raws(butler, [str(folder / "_index.json")])
    report = ingest_raws(butler, [str(folder)])
    assert len(report.refs) == 2
    assert not report.failures
    assert "The index is not used" in caplog.text
