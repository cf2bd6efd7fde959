# SPDX-License-Identifier: BSD-3-Clause
"""Repositories that the programs made, once for all tests of a session, and a way to run the programs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pachon.base.testing import WarmPrograms
from pachon.butler import Butler
from pachon.registry.testing.postgresql import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

collect_ignore_glob = ["peer_*.py"]
"""Scripts for the interpreter of an environment that has LSST's packages; they are no tests."""

TOP = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sys.executable).parent

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def environment() -> dict[str, str]:
    """Give the environment of the programs: this one, without what a user may have set for repositories of his own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PACHON_")}
    return {**kept, "PATH": f"{SCRIPTS}{os.pathsep}{os.environ.get('PATH', '')}", "COLUMNS": "200"}


def run_program(
    *words: object, cwd: Path, check: bool = True, timeout: float = 1200.0, **options: object
) -> "subprocess.CompletedProcess[str]":
    """Run one of the installed programs, as a user would, and wait for its end."""
    command = [str(SCRIPTS / str(words[0])), *map(str, words[1:])]
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        **options,  # type: ignore[call-overload]  # of `subprocess.run`
    )
    if check:
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Raw frames of an instrument in a repository, with master calibrations, a sky map and standard stars."""

    folder: Path
    """The programs ran here; the repository is ``repo``."""

    raws: Path
    instrument: str
    nights: dict[int, tuple[str, str]]
    """Observing day -> for which time (ISO, TAI) its master calibrations are certified."""

    pipelines: str
    science: str = "test/science"
    """Collection of the science run, in those surveys that have one."""

    @property
    def repository(self) -> Path:
        return self.folder / "repo"

    @property
    def calibrations(self) -> str:
        return f"{self.instrument}/calib/default"

    def run(self, *words: object, **options: object) -> "subprocess.CompletedProcess[str]":
        """Run a program in the folder."""
        return run_program(*words, cwd=self.folder, **options)  # type: ignore[arg-type]  # of `run_program`

    def open(self) -> Butler:
        """Open the repository for reading."""
        return Butler.open(
            str(self.repository), collections=[self.science], instrument=self.instrument, skymap="fields"
        )

    def copy(self, folder: Path) -> "Survey":
        """Give a copy of the repository, in which a test may do as it likes; raw frames stay links."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self.repository, folder / "repo", symlinks=True)
        return Survey(**{**self.__dict__, "folder": folder})


def prepare(survey: Survey, *, name: str, regex: str, standards: Path, sky_map: tuple[str, ...]) -> None:
    """Do all that comes before a science run, by the commands of the demonstration."""
    run, instrument, calibrations = survey.run, survey.instrument, survey.calibrations
    run("butler", "create", "repo")
    run("butler", "register-instrument", "repo", name)
    run("butler", "ingest-raws", "repo", survey.raws, "--regex", regex, "-t", "symlink", "-j", 2)
    run("butler", "define-visits", "repo", name)
    run("butler", "write-curated-calibrations", "repo", name, "default")
    for night, (begin, end) in survey.nights.items():
        collection = f"{instrument}/calib/{night}"
        run(
            "pipetask", "run", "-b", "repo", "-p", f"{survey.pipelines}/calibration.yaml",
            "-i", f"{instrument}/raw/all,{calibrations}", "--output-run", collection, "--register-dataset-types",
            "-j", 2, "-d", f"instrument='{instrument}' AND exposure.day_obs={night} "
            "AND exposure.observation_type IN ('bias', 'flat')",
        )  # fmt: skip
        for kind in ("bias", "flat"):
            run(
                "butler", "certify-calibrations", "repo", collection, calibrations, kind,
                "--begin-date", begin, "--end-date", end,
            )  # fmt: skip
    settings = [word for setting in sky_map for word in ("-c", setting)]
    run("butler", "make-discrete-skymap", "repo", name, "--each-field", "--skymap-id", "fields", *settings)
    run("butler", "ingest-reference-stars", "repo", standards, "standards")
    chain = f"{instrument}/raw/all,{calibrations},skymaps,refcats/standards"
    run("butler", "collection-chain", "repo", f"{instrument}/defaults", chain)


def run_science(survey: Survey) -> None:
    """Go from raw frames to coadds."""
    survey.run(
        "pipetask", "run", "-b", "repo", "-p", f"{survey.pipelines}/science.yaml", "-i", f"{survey.instrument}/defaults",
        "-o", survey.science, "-d", f"instrument='{survey.instrument}' AND skymap='fields'",
        "--register-dataset-types", "-j", 2, "-q", "science.qg", "--summary", "run-summary.json",
    )  # fmt: skip


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a program: ``run("butler", ..., cwd=folder, check=False)``."""
    return run_program


@pytest.fixture(scope="session")
def warm_run() -> Iterator[Run]:
    """Run a program as ``run`` does, in a process that need not import its libraries first."""
    with WarmPrograms("pachon.butler.butler") as programs:

        def run_warm(
            *words: object, cwd: Path, check: bool = True, first: Path | None = None
        ) -> "subprocess.CompletedProcess[str]":
            done = programs.run(str(words[0]), *words[1:], cwd=cwd, env=environment(), timeout=1200, first=first)
            if check:
                assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
            return done

        yield run_warm


@pytest.fixture(scope="session")
def simulated_survey(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    """Two nights of the simulated four-CCD camera with two visits a night and band, ready for a science run."""
    folder = tmp_path_factory.mktemp("simulated")
    run_program("butler", "simulate-raws", "raws", "--seed", 20, "--visits", 2, "--flats", 3, cwd=folder)
    survey = Survey(
        folder=folder,
        raws=folder / "raws",
        instrument="SimCam",
        nights={
            20250301: ("2025-03-01T12:00:00", "2025-03-02T12:00:00"),
            20250320: ("2025-03-20T12:00:00", "2025-03-21T12:00:00"),
        },
        pipelines="resource://pachon.pipe_tasks/pipelines/simcam",
    )
    prepare(
        survey,
        name="simcam",
        regex=r"\.fits$",
        standards=folder / "raws" / "truth" / "reference_stars.ecsv",
        # Four patches that overlap, on a tract that the field just fills: regions of visits are padded by 125 arcsec.
        sky_map=(
            "skyMap.pixelScale=0.5",
            "skyMap.patchInnerDimensions=[640, 640]",
            "skyMap.patchBorder=40",
            "borderSize=-0.075",
        ),
    )
    return survey


@pytest.fixture(scope="session")
def simulated_science(simulated_survey: Survey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survey]:
    """The same after the science run; tests add runs of their own at most."""
    survey = simulated_survey.copy(tmp_path_factory.mktemp("simulated-science"))
    run_science(survey)
    yield survey
    # Several hundred megabytes, which pytest would keep.
    shutil.rmtree(survey.repository)


@pytest.fixture(scope="session")
def nickel_frames() -> Path:
    """Folder of the real raw frames."""
    chosen = os.environ.get("PACHON_DEMO_DATA")
    folder = Path(chosen) if chosen else TOP.parent / "shared" / "data" / "nickel"
    if not folder.is_dir():
        pytest.skip(f"There are no real raw frames: {folder} is no folder; PACHON_DEMO_DATA names another.")
    return folder.resolve()


@pytest.fixture(scope="session")
def nickel_science(nickel_frames: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survey]:
    """The three nights of the Nickel camera after the science run; tests add runs of their own at most."""
    survey = Survey(
        folder=tmp_path_factory.mktemp("nickel"),
        raws=nickel_frames,
        instrument="Nickel",
        nights={
            20190922: ("2019-09-23T00:00:00", "2019-09-23T20:00:00"),
            20190923: ("2019-09-23T20:00:00", "2019-09-24T20:00:00"),
            20240512: ("2024-05-13T00:00:00", "2024-05-14T00:00:00"),
        },
        pipelines="resource://pachon.pipe_tasks/pipelines/nickel",
    )
    prepare(
        survey,
        name="nickel",
        regex=r"\.fits(\.fz)?$",
        standards=nickel_frames / "reference" / "landolt_sa111.ecsv",
        sky_map=(
            "skyMap.pixelScale=0.37",
            "skyMap.patchInnerDimensions=[1600, 1600]",
            "skyMap.patchBorder=0",
            "borderSize=-0.03",
        ),
    )
    run_science(survey)
    yield survey
    shutil.rmtree(survey.repository)
