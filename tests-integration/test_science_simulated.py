# SPDX-License-Identifier: BSD-3-Clause
"""The main job on the simulated four-CCD camera, whose truth is known: what comes out is compared with what went in.

The programs ran (``conftest.py``): raw frames, master calibrations of two nights, each certified for its own night, and the
science pipeline. Numbers that a test states are printed by ``pytest -s``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from astropy.stats import mad_std
from astropy.table import Table
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pachon.butler import Butler
from pachon.dimensions import Timespan
from pachon.obs_base import find_instrument
from pachon.obs_base.simcam import detector_effects
from pachon.pipe_tasks.projection import pixels_to_sky, sky_to_pixels, wcs_from_cards
from pachon.pipe_tasks.source_detection import SourceFlag
from pachon.pipe_tasks.star_list import find_registration
from pachon.pipe_tasks.testing import box_medians, mark_sources, noise_of_sums
from pachon.quantum_butler import QuantumGraph

DETECTORS = range(4)
BANDS = ("g", "r")
UNUSABLE = SourceFlag.SATURATED | SourceFlag.BAD | SourceFlag.NO_CENTER

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the simulation knows."""

    stars: Table
    exposures: Table
    """Of the sky."""

    tract: Any
    on_sky: Array
    in_tract: Array
    """Pixels of the tract (n, 2), if the pointing of headers were right."""

    def pixels(self, visit: int, detector: int) -> Array:
        """Give the true pixels of all stars on the detector of a visit."""
        row = self.exposures[self.exposures["exposure"] == visit][0]
        camera = find_instrument("simcam").camera
        wcs = camera.wcs(detector, ra=row["ra"], dec=row["dec"], sky_angle=row["sky_angle"])
        return np.column_stack(wcs.wcs_world2pix(*self.on_sky.T, 0))


@pytest.fixture(scope="module")
def butler(simulated_science: Any) -> Iterator[Butler]:
    with simulated_science.open() as butler:
        yield butler


@pytest.fixture(scope="module")
def truth(simulated_science: Any, butler: Butler) -> Truth:
    folder = simulated_science.raws / "truth"
    stars = Table.read(folder / "stars.ecsv")
    exposures = Table.read(folder / "exposures.ecsv")
    tract = butler.get("skyMap", collections="skymaps")[0]
    on_sky = np.column_stack([stars["ra"], stars["dec"]])
    return Truth(
        stars=stars,
        exposures=exposures[exposures["kind"] == "science"],
        tract=tract,
        on_sky=on_sky,
        in_tract=sky_to_pixels(tract.wcs, on_sky),
    )


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """Stars of a visit, where the registered WCS puts them minus where they are: pixels of the tract."""

    offsets: Array
    signal: Array
    """Signal to noise."""


@pytest.fixture(scope="module")
def residuals(butler: Butler, truth: Truth) -> dict[int, Residuals]:
    registration = butler.get("registration", tract=0)
    found = {}
    for visit in map(int, truth.exposures["exposure"]):
        offsets, signal = [], []
        for detector in DETECTORS:
            catalog = butler.get("source_catalog", visit=visit, detector=detector)
            places = np.column_stack([catalog["x"], catalog["y"]])
            distance, star = cKDTree(truth.pixels(visit, detector)).query(places)
            good = (distance < 1.5) & (catalog["signal_to_noise"] >= 20) & ((catalog["flags"] & UNUSABLE) == 0)
            corrected, _ = find_registration(registration, visit, detector)
            sky = pixels_to_sky(corrected.apply(wcs_from_cards(catalog.meta["wcs"])), places[good])
            offsets.append(sky_to_pixels(truth.tract.wcs, sky) - truth.in_tract[star[good]])
            signal.append(np.asarray(catalog["signal_to_noise"])[good])
        found[visit] = Residuals(offsets=np.concatenate(offsets), signal=np.concatenate(signal))
    return found


@pytest.fixture(scope="module")
def frame_shift(residuals: dict[int, Residuals]) -> Array:
    """By how much the common frame of the visits is off: the median error of their pointings."""
    return np.median(np.concatenate([one.offsets for one in residuals.values()]), axis=0)


# Calibrations of the right night.


@pytest.mark.parametrize("kind", ["bias", "flat"])
def test_the_calibration_of_the_night_is_found(simulated_science: Any, butler: Butler, kind: str) -> None:
    calibrations = simulated_science.calibrations
    visits = list(butler.query_dimension_records("visit", where="instrument='SimCam'"))
    assert len(visits) == 8
    for visit in visits:
        for detector in DETECTORS:
            ref = butler.find_dataset(
                kind,
                detector=detector,
                physical_filter=visit.physical_filter,
                collections=[calibrations],
                timespan=visit.timespan,
            )
            assert ref is not None
            assert ref.run == f"SimCam/calib/{visit.day_obs}"


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("2025-03-01T10:00:00", "2025-03-01T12:00:00"),  # the end of a timespan is outside of it
        ("2025-03-02T12:00:00", "2025-03-02T13:00:00"),
        ("2025-03-10T00:00:00", "2025-03-10T00:01:00"),
        ("2026-03-01T00:00:00", "2026-03-01T00:01:00"),
    ],
)
def test_no_calibration_at_another_time(simulated_science: Any, butler: Butler, begin: str, end: str) -> None:
    for kind in ("bias", "flat"):
        found = butler.find_dataset(
            kind,
            detector=0,
            physical_filter="g",
            collections=[simulated_science.calibrations],
            timespan=Timespan(begin, end),
        )
        assert found is None


def test_the_science_run_used_the_calibrations_of_the_night(simulated_science: Any, butler: Butler) -> None:
    days = {visit.id: visit.day_obs for visit in butler.query_dimension_records("visit", where="instrument='SimCam'")}
    graph = QuantumGraph.open(str(simulated_science.folder / "science.qg"))
    quanta = graph.quanta("isr").uuids()
    assert len(quanta) == 32
    boxes: dict[int, set[int]] = {}
    for quantum_id in quanta:
        quantum = graph.quantum(quantum_id)
        day = days[quantum.data_id["exposure"]]
        for kind in ("bias", "flat"):
            assert [ref.run for ref in quantum.inputs[kind]] == [f"SimCam/calib/{day}"]
        (defects,) = quantum.inputs["defects"]
        boxes.setdefault(day, set()).add(len(butler.get(defects)))
    # A column of each detector went bad between the nights.
    assert boxes == {20250301: {4}, 20250320: {5}}


@pytest.mark.parametrize("night", [20250301, 20250320])
def test_master_calibrations_are_those_of_the_simulated_detectors(butler: Butler, night: int) -> None:
    """Tolerances: 1.5 times the noise of the frames that they are made of."""
    camera = find_instrument("simcam").camera
    run = f"SimCam/calib/{night}"
    scales: dict[str, list[float]] = {band: [] for band in BANDS}
    for detector in camera:
        bias = butler.get("bias", detector=detector.id, collections=[run])
        good = ~np.asarray(bias.mask) if bias.mask is not None else np.ones(bias.shape, dtype=bool)
        error = (bias.data - detector_effects.bias_structure(detector, night))[good]
        expected = detector.read_noise / detector.gain / np.sqrt(5)
        assert mad_std(error) < 1.5 * expected
        assert abs(np.median(error)) < 0.5
        for band in BANDS:
            flat = butler.get("flat", detector=detector.id, physical_filter=band, collections=[run])
            good = ~np.asarray(flat.mask) if flat.mask is not None else np.ones(flat.shape, dtype=bool)
            ratio = (flat.data / detector_effects.response_of(camera, detector, night, band))[good]
            level = {"g": 22000.0, "r": 26000.0}[band]
            assert mad_std(ratio) < 1.5 / np.sqrt(3 * level)
            scales[band].append(float(np.median(ratio)))
    # The light of the screen is even, so that detectors keep their ratio; the mean of their medians is 1 by convention.
    for band in BANDS:
        assert np.ptp(scales[band]) < 0.003
        assert np.mean(scales[band]) == pytest.approx(1.0, abs=0.01)


# Flat-fielding.


def test_flat_fielding_takes_the_large_scale_residual_away(simulated_science: Any, butler: Butler) -> None:
    """Sky between stars, medians of 64 x 64 pixels, all four detectors: 4.7 % before, 0.2 % after (of which most is noise)."""
    for visit in butler.query_dimension_records("visit", where="instrument='SimCam'"):
        before, after = [], []
        for detector in DETECTORS:
            data_id = {"detector": detector, "exposure": visit.id}
            image = butler.get("isr_image", data_id)
            flat = butler.get(
                "flat",
                detector=detector,
                physical_filter=visit.physical_filter,
                collections=[simulated_science.calibrations],
                timespan=visit.timespan,
            )
            subtracted = butler.get("visit_image", visit=visit.id, detector=detector)
            sky = ~np.asarray(image.mask) & ~mark_sources(subtracted, threshold=2.0)
            before.append(box_medians(image.data * flat.data, sky))
            after.append(box_medians(image.data, sky))
        residual = {name: spread(np.stack(maps)) for name, maps in (("before", before), ("after", after))}
        print(visit.id, visit.physical_filter, {name: round(value, 5) for name, value in residual.items()})
        assert residual["before"] > 0.03
        assert residual["after"] < 0.004
        assert residual["before"] / residual["after"] > 10


def spread(values: Array) -> float:
    return float(np.nanstd(values) / np.nanmean(values))


# Registration.


def test_stars_are_registered_to_their_true_places(residuals: dict[int, Residuals], frame_shift: Array) -> None:
    """Tolerance 0.3 pixel rms per axis; 0.05 for stars whose own noise is below 0.01."""
    for visit, one in residuals.items():
        left = one.offsets - frame_shift
        bright = one.signal > 100
        rms, rms_bright = (float(np.sqrt(np.mean(values**2))) for values in (left, left[bright]))
        print(
            f"{visit}: {len(left)} stars, rms {rms:.4f}; {np.count_nonzero(bright)} bright ones {rms_bright:.4f} pixels"
        )
        assert len(left) > 60
        assert rms < 0.3
        assert rms_bright < 0.05


def test_the_registration_states_its_rms(butler: Butler) -> None:
    registration = butler.get("registration", tract=0)
    assert len(registration) == 32
    assert np.all(registration["used"])
    assert len(np.unique(registration["group"])) == 1
    assert np.max(registration["rms"]) < 0.3


def test_shifts_are_the_errors_of_the_pointings(butler: Butler, truth: Truth) -> None:
    """Tolerance 0.1 pixel, after the median of all, which no visit can know."""
    registration = butler.get("registration", tract=0)
    found, expected = [], []
    for row in truth.exposures:
        (visit,) = registration[(registration["visit"] == row["exposure"]) & (registration["detector"] == 0)]
        found.append((visit["dx"], visit["dy"]))
        # Where the tract has the boresight of the header, and where it has the true one.
        header, true = sky_to_pixels(
            truth.tract.wcs, np.array([[row["header_ra"], row["header_dec"]], [row["ra"], row["dec"]]])
        )
        expected.append(true - header)
    difference = np.asarray(found) - np.asarray(expected)
    difference -= np.median(difference, axis=0)
    print("shifts, measured minus true:", difference.round(3).tolist())
    assert np.abs(np.asarray(expected)).max() > 3.0
    assert np.abs(difference).max() < 0.1


# Coadds.


@pytest.mark.parametrize("band", BANDS)
def test_coadds_are_deeper_by_what_noise_predicts(butler: Butler, band: str) -> None:
    """Noise of single pixels and of sums of 5 x 5, each patch: the measured factor within 15 % of the predicted one."""
    refs = [ref for ref in butler.query_datasets("coadd") if ref.data_id["band"] == band]
    assert len(refs) == 4
    for ref in refs:
        patch = ref.data_id["patch"]
        coadd, number = butler.get(ref), butler.get("coadd_n_images", tract=0, patch=patch, band=band)
        warps = [butler.get(warp) for warp in warps_of(butler, patch, band)]
        assert len(warps) == 4
        free = (number == 4) & (coadd.flags == 0) & ~mark_sources(coadd)
        for warp in warps:
            free &= warp.flags == 0
        stated = np.array([np.median(warp.uncertainty.array[free]) for warp in warps])
        # Inverse variances add up: 2 of four equal images.
        predicted = float(np.median(stated) * np.sqrt(np.sum(1.0 / stated**2)))
        assert predicted == pytest.approx(2.0, rel=0.1)
        for side in (1, 5):
            single = np.median([noise_of_sums(warp.data, free, side=side) for warp in warps])
            factor = float(single / noise_of_sums(coadd.data, free, side=side))
            print(f"patch {patch}, {band}, {side} x {side}: factor {factor:.3f}, predicted {predicted:.3f}")
            assert factor == pytest.approx(predicted, rel=0.15)
        # The stated noise is the noise.
        assert np.median(coadd.uncertainty.array[free]) == pytest.approx(noise_of_sums(coadd.data, free), rel=0.1)


def warps_of(butler: Butler, patch: int, band: str) -> list[Any]:
    where = f"skymap='fields' AND tract=0 AND patch={patch} AND band='{band}' AND instrument='SimCam'"
    return list(butler.query_datasets("warp", where=where))


def test_zero_points_are_the_true_ones(butler: Butler, truth: Truth) -> None:
    """Tolerance 0.02 mag, of which 0.01 is the light outside of the aperture; they agree with each other to 0.01."""
    differences = []
    for ref in butler.query_datasets("zero_point"):
        meta = butler.get(ref).meta
        row = truth.exposures[truth.exposures["exposure"] == ref.data_id["visit"]][0]
        differences.append(meta["zero_point"] - row["zero_point"])
        assert meta["n_used"] >= 20
        assert meta["zero_point_error"] < 0.005
    print("zero points, measured minus true (mag):", np.round(differences, 4).tolist())
    assert len(differences) == 8
    assert np.abs(differences).max() < 0.02
    assert np.ptp(differences) < 0.01


@pytest.fixture(scope="module")
def coadd_sources(butler: Butler) -> dict[str, Table]:
    """The sources of all patches in a band, each once."""
    from astropy.table import vstack

    found = {}
    for band in BANDS:
        tables = [butler.get(ref) for ref in butler.query_datasets("coadd_catalog") if ref.data_id["band"] == band]
        assert len(tables) == 4
        limit = min(table.meta["limiting_magnitude"] + table.meta["zero_point"] for table in tables)
        table = vstack(tables, metadata_conflicts="silent")
        found[band] = table[table["is_primary"]]
        found[band].meta["limiting_magnitude"] = limit
    return found


@pytest.mark.parametrize("band", BANDS)
def test_the_coadd_catalogue_is_complete_and_pure(
    truth: Truth, coadd_sources: dict[str, Table], frame_shift: Array, butler: Butler, band: str
) -> None:
    """Where all four visits saw the sky: 97 % of the stars of ten times the noise and more, and 2 % of false sources."""
    sources = coadd_sources[band]
    numbers = {
        ref.data_id["patch"]: butler.get(ref)
        for ref in butler.query_datasets("coadd_n_images")
        if ref.data_id["band"] == band
    }
    places = truth.in_tract + frame_shift
    covered = np.zeros(len(places), dtype=bool)
    for patch in truth.tract:
        box = patch.inner_bbox
        outer = patch.outer_bbox
        for i in np.flatnonzero(
            (places[:, 0] > box.x0) & (places[:, 0] < box.x1) & (places[:, 1] > box.y0) & (places[:, 1] < box.y1)
        ):
            x, y = (round(v) for v in places[i] - (outer.x0, outer.y0))
            window = numbers[patch.id][max(0, y - 6) : y + 7, max(0, x - 6) : x + 7]
            covered[i] = window.size == 169 and window.min() >= 4
    limit = sources.meta["limiting_magnitude"] - 2.5 * np.log10(2)
    wanted = np.flatnonzero(covered & (np.asarray(truth.stars[band]) < limit))
    assert len(wanted) > 60
    found_at = np.column_stack([sources["tract_x"], sources["tract_y"]])
    distance, nearest = cKDTree(found_at).query(places[wanted])
    matched = distance < 1.5
    # A star in the halo of a much brighter one is not to be expected: none is closer than 12 pixels, so that all are.
    completeness = float(np.mean(matched))
    clean = np.asarray(sources["flags"]) & SourceFlag.EDGE == 0
    strong = clean & (np.asarray(sources["signal_to_noise"]) > 7)
    false = float(np.mean(cKDTree(places).query(found_at[strong])[0] > 3.0))
    print(f"{band}: {len(wanted)} stars to {limit:.2f} mag, complete to {completeness:.4f}, false {false:.4f}")
    assert completeness >= 0.97
    assert false <= 0.02
    once = np.unique(nearest[matched], return_counts=True)[1]
    assert once.max() == 1
    # Magnitudes: the zero point of a visit is right to 0.01, fluxes are of one scale.
    error = np.asarray(sources["magnitude"])[nearest[matched]] - np.asarray(truth.stars[band])[wanted[matched]]
    bright = np.asarray(sources["signal_to_noise"])[nearest[matched]] > 50
    print(f"{band}: magnitudes of {np.count_nonzero(bright)} bright stars: {np.median(error[bright]):+.4f}, "
          f"scatter {mad_std(error[bright]):.4f}")  # fmt: skip
    assert abs(np.median(error[bright])) < 0.03
    assert mad_std(error[bright]) < 0.03
    offset = found_at[nearest[matched]][bright] - places[wanted[matched]][bright]
    assert np.sqrt(np.mean(offset**2)) < 0.1
