# SPDX-License-Identifier: BSD-3-Clause
"""The commands as users type them: what they print, and how they fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pachon.base.testing import CommandResult, run_command
from pachon.butler import Butler
from pachon.butler.program import program


def run(*arguments: object) -> CommandResult:
    return run_command(program, *arguments)


def refused(*arguments: object) -> str:
    """Run a command that must fail with one clear line, and give that line."""
    result = run(*arguments)
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1
    assert "Traceback" not in result.stderr
    return lines[0]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    Butler.create(str(tmp_path / "repo")).close()
    assert run("register-instrument", tmp_path / "repo", "simcam").exit_code == 0
    return tmp_path / "repo"


def test_the_whole_way(repo: Path, simulated: Path) -> None:
    assert "Already registered: SimCam." in run("register-instrument", repo, "SimCam").stdout
    done = run("ingest-raws", repo, simulated, "-t", "direct", "-j", "2", "-c", "failFast=True")
    assert done.stdout == "Ingested 56 raw frames of 14 exposures from 56 files.\n"
    assert "56 were there already" in run("ingest-raws", repo, simulated, "-t", "direct").stdout
    assert run("define-visits", repo, "SimCam").stdout.startswith("Visits: 8 new, 0 unchanged")
    assert (
        run("write-curated-calibrations", repo, "simcam").stdout == "Certified in SimCam/calib: 1 camera, 8 defects.\n"
    )
    done = run(
        "make-discrete-skymap", repo, "simcam", "--each-field", "--skymap-id", "field", "-c", "skyMap.pixelScale=0.5"
    )
    assert done.stdout.startswith("Registered: sky map field with 1 tract.")
    settings = ["name=x", "skyMap=discrete", "skyMap.raList=[10.0]", "skyMap.decList=[1.0]", "skyMap.radiusList=[0.1]"]
    done = run("register-skymap", repo, *(word for setting in settings for word in ("-c", setting)))
    assert done.stdout == "Registered: sky map x, discrete, 1 tract.\n"
    done = run("ingest-reference-stars", repo, simulated / "truth" / "reference_stars.ecsv", "sim")
    assert "of type standard_stars in refcats/sim." in done.stdout
    with Butler.open(str(repo)) as butler:
        assert len(list(butler.query_datasets("raw", collections="SimCam/raw/all"))) == 56
        assert butler.get("skyMap", skymap="x", collections="skymaps").kind == "discrete"


def test_simulate_raws(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    done = run("simulate-raws", folder, "--visits", "1", "--biases", "0", "--flats", "0", "--multi-extension")
    assert done.stdout.startswith("Made 4 raw files")
    assert (folder / "truth" / "reference_stars.ecsv").exists()
    assert "is not empty" in refused("simulate-raws", folder)


def test_a_folder_that_does_not_exist(repo: Path, tmp_path: Path) -> None:
    assert refused("ingest-raws", repo, tmp_path / "none") == f"Error: {tmp_path}/none does not exist."


def test_one_bad_file(repo: Path, simulated: Path, tmp_path: Path) -> None:
    folder = tmp_path / "raws"
    shutil.copytree(simulated / "20250301", folder)
    bad = folder / "S20250301_0004_ccd1.fits"
    bad.write_bytes(bad.read_bytes()[:100_000])
    result = run("ingest-raws", repo, folder)
    assert result.exit_code == 1
    assert result.stdout == "Ingested 27 raw frames of 7 exposures from 28 files.\n"
    assert f"{bad}: this FITS file is cut short" in result.stderr
    assert "Error: 1 of 28 files could not be ingested; each is named above." in result.stderr
    assert "Traceback" not in result.stderr


def test_no_repository(tmp_path: Path) -> None:
    assert str(tmp_path / "none") in refused("register-instrument", tmp_path / "none", "simcam")


def test_records_that_differ(repo: Path, simulated: Path) -> None:
    """What would replace them, or leave them, is named as whoever typed the command knows it."""
    frame = simulated / "20250301" / "S20250301_0004_ccd1.fits"
    assert run("ingest-raws", repo, frame, "-t", "copy").exit_code == 0
    assert run("define-visits", repo, "simcam").exit_code == 0
    with Butler.open(str(repo), writeable=True) as butler:
        for element, field, value in (
            ("exposure", "dark_time", 33.0),
            ("visit", "exposure_time", 34.0),
            ("detector", "purpose", "x"),
        ):
            old = next(iter(butler.query_dimension_records(element, where="instrument = 'SimCam'")))
            row = {name: getattr(old, name) for name in (column.name for column in old.element.columns)}
            butler.dimension_records.insert(element, [{**row, field: value}], replace=True)
    again = refused("ingest-raws", repo, frame, "-t", "copy", "--output-run", "other")
    assert again.endswith("It stays unless records are updated (--update-records).")
    assert refused("define-visits", repo, "simcam").endswith(
        "Say --update-records to replace it, or --skip-conflicting to leave it."
    )
    assert refused("register-instrument", repo, "simcam").endswith("Say --update to replace it.")


def test_unknown_instrument(repo: Path) -> None:
    assert "Did you mean 'simcam'" in refused("register-instrument", repo, "simcm")
    assert "no instrument 'x'" in refused("define-visits", repo, "x")
    assert "Nickel is not registered" in refused("define-visits", repo, "nickel")


def test_a_second_set_of_curated_calibrations(repo: Path) -> None:
    run("write-curated-calibrations", repo, "simcam")
    again = run("write-curated-calibrations", repo, "simcam")
    assert again.exit_code == 0
    assert "9 of them were there already." in again.stdout
    assert run("write-curated-calibrations", repo, "simcam", "second").exit_code == 0


def test_wrong_sky_maps(repo: Path) -> None:
    for words in ((), ("-c", "skyMap=rings", "-c", "skyMap.numRings=3"), ("-c", "name=")):
        assert "needs a name: say -c name=..." in refused("register-skymap", repo, *words)
    assert "-c skyMap=...; there are discrete, equat, rings." in refused("register-skymap", repo, "-c", "name=x")
    assert "numRing" in refused("register-skymap", repo, "-c", "name=x", "-c", "skyMap=rings", "-c", "skyMap.numRing=3")
    assert run("make-discrete-skymap", repo, "simcam", "-d", "raw").exit_code == 2
    assert "There is no visit of SimCam" in refused("make-discrete-skymap", repo, "simcam")


@pytest.mark.parametrize(
    "command",
    [
        "define-visits",
        "ingest-raws",
        "ingest-reference-stars",
        "make-discrete-skymap",
        "register-instrument",
        "register-skymap",
        "simulate-raws",
        "write-curated-calibrations",
    ],
)
def test_help(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert command in result.stdout
