# SPDX-License-Identifier: BSD-3-Clause
"""Write the raw files of a simulation, and the truth beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from astropy.io import fits
from astropy.table import Table

from pachon.base import ConflictError, StorageError, progress
from pachon.obs_base.camera import Camera
from pachon.obs_base.simcam import frames
from pachon.obs_base.simcam.plan import SimulatedExposure, SimulationPlan, iter_exposures
from pachon.obs_base.simcam.truth import make_stars, reference_catalogue


def simulate_raws(
    directory: Path, camera: Camera, plan: SimulationPlan | None = None, *, multi_extension: bool = False
) -> list[Path]:
    """Write raw FITS files, one folder a night, and the truth.

    The truth is in ``truth/``: ``stars.ecsv`` (all stars), ``reference_stars.ecsv`` (the standard
    stars) and ``exposures.ecsv`` (true pointing, seeing and zero point of each exposure).

    Parameters
    ----------
    directory : Path
        Made if it does not exist; it must be empty if it does.
    camera : Camera
        The camera to simulate.
    plan : SimulationPlan, optional
        How much, and the seed from which all that is random follows.
    multi_extension : bool
        One file an exposure, a detector an HDU; else one file a detector.

    Returns
    -------
    list of Path
        The raw files, in order of time.

    Raises
    ------
    ConflictError
        If the directory holds files.
    StorageError
        If the directory cannot be made.
    """
    plan = plan or SimulationPlan()
    if directory.exists() and any(directory.iterdir()):
        raise ConflictError(f"{directory} is not empty; give a new directory for the simulated frames.")
    stars = make_stars(plan)
    exposures = list(iter_exposures(plan))
    truth = directory / "truth"
    try:
        truth.mkdir(parents=True)
    except OSError as error:
        raise StorageError(f"{directory} cannot be made: {error.strerror}.") from error
    stars.write(truth / "stars.ecsv", format="ascii.ecsv")
    reference_catalogue(stars).write(truth / "reference_stars.ecsv", format="ascii.ecsv")
    _exposure_table(exposures).write(truth / "exposures.ecsv", format="ascii.ecsv")
    write: Callable[..., list[Path]] = _write_together if multi_extension else _write_apart
    written: list[Path] = []
    with progress("Simulating", total=len(exposures)) as bar:
        for exposure in exposures:
            night = directory / str(exposure.day_obs)
            night.mkdir(exist_ok=True)
            written += write(night, camera, exposure, stars, plan.seed)
            bar.advance(1)
    return written


def _write_apart(night: Path, camera: Camera, exposure: SimulatedExposure, stars: Table, seed: int) -> list[Path]:
    written = []
    for detector in camera:
        header = frames.exposure_header(exposure)
        header.update(frames.detector_header(camera, detector, exposure))
        path = night / f"{exposure.obs_id}_{detector.name}.fits"
        pixels = frames.make_frame(camera, detector, exposure, stars, seed=seed)
        fits.PrimaryHDU(pixels, header=header).writeto(path)
        written.append(path)
    return written


def _write_together(night: Path, camera: Camera, exposure: SimulatedExposure, stars: Table, seed: int) -> list[Path]:
    hdus = fits.HDUList([fits.PrimaryHDU(header=frames.exposure_header(exposure))])
    for detector in camera:
        pixels = frames.make_frame(camera, detector, exposure, stars, seed=seed)
        header = frames.detector_header(camera, detector, exposure)
        hdus.append(fits.ImageHDU(pixels, header=header, name=detector.name))
    path = night / f"{exposure.obs_id}.fits"
    hdus.writeto(path)
    return [path]


def _exposure_table(exposures: list[SimulatedExposure]) -> Table:
    rows = [
        {"exposure": exposure.exposure_id, "obs_id": exposure.obs_id, **dataclasses.asdict(exposure)}
        for exposure in exposures
    ]
    for row in rows:
        row["begin"] = row["begin"].isoformat()
    return Table(rows)
