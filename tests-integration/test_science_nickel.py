# SPDX-License-Identifier: BSD-3-Clause
"""The main job on real frames of the Lick Nickel 1 m: three nights, what comes out compared with ``reference/measured.yaml``.

The programs ran (``conftest.py``). Numbers that a test states are printed by ``pytest -s``.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import yaml
from astropy.stats import mad_std
from astropy.table import Table
from numpy.typing import NDArray

from pachon.butler import Butler
from pachon.dimensions import Timespan
from pachon.pipe_tasks.projection import pixels_to_pixels, wcs_from_cards
from pachon.pipe_tasks.star_list import find_registration
from pachon.pipe_tasks.testing import box_medians, mark_sources, noise_of_sums
from pachon.quantum_butler import QuantumGraph

Array = NDArray[Any]


@pytest.fixture(scope="module")
def butler(nickel_science: Any) -> Iterator[Butler]:
    with nickel_science.open() as butler:
        yield butler


@pytest.fixture(scope="module")
def measured(nickel_science: Any) -> dict[str, Any]:
    return yaml.safe_load((nickel_science.raws / "reference" / "measured.yaml").read_text())


@pytest.fixture(scope="module")
def visits(butler: Butler) -> dict[str, Any]:
    """Visits by the names of their files: ``d2093``."""
    records = butler.query_dimension_records("visit", where="instrument='Nickel'")
    return {f"d{record.id % 100_000:04d}": record for record in records}


@pytest.fixture(scope="module")
def registrations(butler: Butler) -> dict[int, Table]:
    """The table of its tract, by visit."""
    tables = [butler.get(ref) for ref in butler.query_datasets("registration")]
    return {int(visit): table for table in tables for visit in table["visit"]}


@pytest.fixture(scope="module")
def corrected_wcs(butler: Butler, visits: dict[str, Any], registrations: dict[int, Table]) -> dict[str, Any]:
    found = {}
    for name, visit in visits.items():
        catalog = butler.get("source_catalog", visit=visit.id, detector=0)
        linear, _ = find_registration(registrations[visit.id], visit.id, 0)
        found[name] = linear.apply(wcs_from_cards(catalog.meta["wcs"]))
    return found


# Calibrations of the right night.


@pytest.mark.parametrize("kind", ["bias", "flat"])
def test_the_calibration_of_the_night_is_found(
    nickel_science: Any, butler: Butler, visits: dict[str, Any], kind: str
) -> None:
    """Two nights of 2019, of which the second begins where the first ends, and one of 2024."""
    found = set()
    for visit in visits.values():
        ref = butler.find_dataset(
            kind,
            detector=0,
            physical_filter=visit.physical_filter,
            collections=[nickel_science.calibrations],
            timespan=visit.timespan,
        )
        assert ref is not None
        assert ref.run == f"Nickel/calib/{visit.day_obs}"
        found.add(ref.id)
    assert len(found) == {"bias": 3, "flat": 4}[kind]


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("2019-09-22T12:00:00", "2019-09-22T12:01:00"),
        ("2019-09-24T20:00:00", "2019-09-24T20:01:00"),
        ("2021-01-01T00:00:00", "2021-01-01T00:01:00"),
        ("2024-05-14T00:00:00", "2024-05-14T00:01:00"),
    ],
)
def test_no_calibration_at_another_time(nickel_science: Any, butler: Butler, begin: str, end: str) -> None:
    for kind in ("bias", "flat"):
        found = butler.find_dataset(
            kind,
            detector=0,
            physical_filter="V",
            collections=[nickel_science.calibrations],
            timespan=Timespan(begin, end),
        )
        assert found is None


def test_the_science_run_used_the_calibrations_of_the_night(nickel_science: Any, visits: dict[str, Any]) -> None:
    days = {visit.id: visit.day_obs for visit in visits.values()}
    graph = QuantumGraph.open(str(nickel_science.folder / "science.qg"))
    quanta = [graph.quantum(quantum_id) for quantum_id in graph.quanta("isr").uuids()]
    assert len(quanta) == len(visits) == 27
    for quantum in quanta:
        for kind in ("bias", "flat"):
            assert [ref.run for ref in quantum.inputs[kind]] == [f"Nickel/calib/{days[quantum.data_id['exposure']]}"]


# Flat-fielding.


def test_flat_fielding_of_flats_that_are_not_in_the_master(nickel_science: Any, butler: Butler) -> None:
    """Flats of a ramp (2, 3 and 5 s), medians of 64 x 64 pixels: 5.5 % before; after, 0.5 % to 0.1 %, by the shutter's speed."""
    spreads: dict[bool, list[float]] = {}
    for do_flat in (False, True):
        run = f"test/ramp-{do_flat}"
        nickel_science.run(
            "pipetask", "run", "-b", "repo", "-p", f"{nickel_science.pipelines}/science.yaml#isr",
            "-i", "Nickel/defaults", "--output-run", run,
            "-c", "isr:frames.observation_types=['flat']", "-c", "isr:frames.excluded_reasons=[]",
            "-c", f"isr:do_flat={do_flat}",
            "-d", "instrument='Nickel' AND exposure.observation_reason='test' AND exposure.exposure_time > 1",
        )  # fmt: skip
        refs = sorted(butler.query_datasets("isr_image", collections=[run]), key=lambda ref: ref.data_id)
        assert len(refs) == 3
        images = [butler.get(ref) for ref in refs]
        spreads[do_flat] = [spread(finite(box_medians(image.data, ~np.asarray(image.mask)))) for image in images]
    print("spread of flats before:", np.round(spreads[False], 4), "after:", np.round(spreads[True], 4))
    for before, after in zip(spreads[False], spreads[True], strict=True):
        assert before > 0.04
        assert after < 0.008
        assert before / after > 8
    assert spreads[True][-1] < 0.002


@pytest.mark.parametrize("name", ["d3162", "d3163", "d3164", "d1074"])
def test_flat_fielding_of_the_sky(nickel_science: Any, butler: Butler, visits: dict[str, Any], name: str) -> None:
    """Sky about a plane, since the screen in the dome is brighter on one side: the residual shrinks to less than 1/2.5."""
    visit = visits[name]
    image = butler.get("isr_image", exposure=visit.id, detector=0)
    flat = butler.get(
        "flat",
        detector=0,
        physical_filter=visit.physical_filter,
        collections=[nickel_science.calibrations],
        timespan=visit.timespan,
    )
    sky = ~np.asarray(image.mask) & ~mark_sources(butler.get("visit_image", visit=visit.id, detector=0), threshold=2.0)
    before, after = (residual_about_plane(pixels, sky) for pixels in (image.data * flat.data, image.data))
    print(f"{name}: residual about a plane before {before:.4f}, after {after:.4f}")
    assert before / after > 2.5
    assert after < 0.015


def finite(values: Array) -> Array:
    return values[np.isfinite(values)]


def spread(values: Array) -> float:
    return float(np.std(values) / np.mean(values))


def residual_about_plane(image: Array, usable: Array) -> float:
    medians = box_medians(image, usable)
    rows, columns = np.nonzero(np.isfinite(medians))
    values = medians[rows, columns]
    assert len(values) > 50
    plane = np.column_stack([np.ones(len(values)), rows, columns])
    solution, *_ = np.linalg.lstsq(plane, values, rcond=None)
    return float(mad_std(values - plane @ solution) / np.mean(values))


# Registration.


def test_visits_are_registered(registrations: dict[int, Table], visits: dict[str, Any]) -> None:
    """Tolerance 0.3 pixel rms; every visit of a field takes part."""
    fields = {
        "Pluto": ("d20", "d309"),
        "SA 111": ("d3168", "d3169", "d317"),
        "NGC 6819": ("d3162", "d3163", "d3164", "d3166"),
    }
    for field, beginnings in fields.items():
        mine = [visit.id for name, visit in visits.items() if name.startswith(beginnings)]
        assert len(mine) == {"Pluto": 11, "SA 111": 6, "NGC 6819": 4}[field]
        table = registrations[mine[0]]
        assert sorted(table["visit"]) == sorted(mine)
        assert np.all(table["used"])
        assert len(np.unique(table["group"])) == 1
        print(
            f"{field}: rms {np.round(sorted(table['rms']), 3).tolist()} pixels, stars {sorted(table['n_matched'].tolist())}"
        )
        assert np.max(table["rms"]) < 0.3
        assert np.min(table["n_matched"]) >= 20


def test_offsets_are_those_that_were_measured(corrected_wcs: dict[str, Any], measured: dict[str, Any]) -> None:
    """Where the middle of d2093 lies in the other frames of its field; tolerance 0.3 pixel."""
    for name, expected in measured["offsets_from_d2093_pixels"].items():
        offset = offset_between(corrected_wcs["d2093"], corrected_wcs[name])
        print(f"{name}: offset {offset.round(2).tolist()}, measured {expected}")
        assert np.abs(offset - expected).max() < 0.3
    # From the read-me file of the frames.
    for name, expected in {"d3163": (0.0, 0.0), "d3164": (0.0, 0.0), "d3166": (-0.4, -1.7)}.items():
        offset = offset_between(corrected_wcs["d3162"], corrected_wcs[name])
        assert np.abs(offset - expected).max() < 0.35


def offset_between(first: Any, second: Any) -> Array:
    middle = np.array([[511.5, 511.5]])
    return (pixels_to_pixels(first, second, middle) - middle)[0]


def test_the_moving_object_is_where_it_was_each_night(
    butler: Butler, visits: dict[str, Any], corrected_wcs: dict[str, Any], measured: dict[str, Any]
) -> None:
    """In the pixels of d2093; tolerance 1 pixel. A night later nothing as bright is where it was."""
    places = measured["pluto_in_frame_of_d2093_pixels"]
    for name, here, there in (
        ("d2093", "night_2019-09-22", "night_2019-09-23"),
        ("d3096", "night_2019-09-23", "night_2019-09-22"),
    ):
        catalog = butler.get("source_catalog", visit=visits[name].id, detector=0)
        bright = catalog[catalog["signal_to_noise"] > 50]
        pixels = pixels_to_pixels(
            corrected_wcs[name], corrected_wcs["d2093"], np.column_stack([bright["x"], bright["y"]])
        )
        distance = {night: np.hypot(*(pixels - places[night]).T).min() for night in (here, there)}
        print(f"{name}: {distance[here]:.2f} pixels from the place of the night")
        assert distance[here] < 1.0
        assert distance[there] > 5.0


# Coadds.


@pytest.mark.parametrize(
    ("name", "count"),
    [("d2093", 11), ("d3162", 3), ("d3171", 3), ("d3169", 3)],
    ids=["Pluto", "NGC6819", "SA111-V", "SA111-B"],
)
def test_coadds_are_deeper_by_what_noise_predicts(
    butler: Butler, visits: dict[str, Any], name: str, count: int
) -> None:
    """Noise of sky pixels of the coadd and of the visits, resampled equally: the factor is within 15 % of the predicted one."""
    band = visits[name].physical_filter
    where = f"instrument='Nickel' AND skymap='fields' AND visit={visits[name].id}"
    (mine,) = butler.query_datasets("warp", where=where)
    tract = mine.data_id["tract"]
    where = f"instrument='Nickel' AND skymap='fields' AND tract={tract} AND band='{band}'"
    warps = [butler.get(ref) for ref in butler.query_datasets("warp", where=where)]
    assert len(warps) == count
    coadd = butler.get("coadd", tract=tract, patch=0, band=band)
    number = butler.get("coadd_n_images", tract=tract, patch=0, band=band)
    free = (number == count) & (coadd.flags == 0) & ~mark_sources(coadd)
    for warp in warps:
        free &= warp.flags == 0
    assert np.count_nonzero(free) > 50_000
    stated = np.array([np.median(warp.uncertainty.array[free]) for warp in warps])
    predicted = float(np.median(stated) * np.sqrt(np.sum(1.0 / stated**2)))
    single = float(np.median([noise_of_sums(warp.data, free) for warp in warps]))
    factor = single / noise_of_sums(coadd.data, free)
    print(f"{name}, {band}: {count} visits, factor {factor:.3f}, predicted {predicted:.3f}")
    assert predicted == pytest.approx(np.sqrt(count), rel=0.1)
    assert factor == pytest.approx(predicted, rel=0.15)


# Photometry.


@pytest.mark.parametrize(("band", "tolerance"), [("V", 0.04), ("B", 0.07)])
def test_landolt_stars_give_one_zero_point(butler: Butler, nickel_science: Any, band: str, tolerance: float) -> None:
    """Each star's zero point within 0.04 mag (V) and 0.07 mag (B, no colour term) of the visit's; visits within 0.02 mag."""
    tables = [butler.get(ref) for ref in butler.query_datasets("zero_point") if ref.data_id["band"] == band]
    assert len(tables) == 3
    known = Table.read(nickel_science.raws / "reference" / "landolt_sa111.ecsv")
    for table in tables:
        assert sorted(table["name"]) == sorted(known["name"])
        assert np.all(table["used"])
        assert np.abs(table["residual"]).max() < tolerance
    values = [table.meta["zero_point"] for table in tables]
    print(f"{band}: zero points {values}, largest residuals {[round(np.abs(t['residual']).max(), 3) for t in tables]}")
    assert np.ptp(values) < 0.02
    # The frame whose magnitudes were measured otherwise, in ADU and a radius of 15 pixels: they differ by the gain.
    name = {"V": "d3171", "B": "d3169"}[band]
    (table,) = (one for one in tables if one.meta["visit"] % 100_000 == int(name[1:]))
    rows = {row["name"]: row for row in table}
    differences = [rows[star["name"]]["instrumental_magnitude"] - star[f"minst_{band}"] for star in known]
    for star in known:
        assert abs(rows[star["name"]]["x"] - star[f"x_{name}"]) < 1
        assert abs(rows[star["name"]]["y"] - star[f"y_{name}"]) < 1
    print(f"{band}: instrumental magnitudes minus measured ones {np.round(differences, 3).tolist()}")
    assert np.ptp(differences) < tolerance
    assert np.mean(differences) == pytest.approx(-2.5 * np.log10(1.78), abs=0.05)


def test_numbers_of_sources(butler: Butler, visits: dict[str, Any], measured: dict[str, Any]) -> None:
    """Sources of whose pixels one is 5 sigma above the sky: within a factor of 2, since they depend on who looks; all that are
    found: at least 0.8 of those measured."""
    for name, expected in measured["source_counts_5_sigma"].items():
        catalog = butler.get("source_catalog", visit=visits[name].id, detector=0)
        image = butler.get("visit_image", visit=visits[name].id, detector=0)
        noise = float(np.median(image.uncertainty.array[~image.mask]))
        number = int(np.count_nonzero(catalog["peak"] > 5 * noise))
        print(f"{name}: {number} sources of 5 sigma in a pixel, {len(catalog)} in all; measured {expected}")
        assert expected / 2 < number < expected * 2
        assert len(catalog) > 0.8 * expected


def test_the_coadds_of_a_field_have_more_sources_than_its_visits(butler: Butler, visits: dict[str, Any]) -> None:
    """Pluto's field: eleven visits find three times as many sources as one."""
    (warp,) = butler.query_datasets(
        "warp", where=f"instrument='Nickel' AND skymap='fields' AND visit={visits['d2093'].id}"
    )
    coadd = butler.get("coadd_catalog", tract=warp.data_id["tract"], patch=0, band="V")
    single = butler.get("source_catalog", visit=visits["d2093"].id, detector=0)
    strong = [int(np.count_nonzero(np.asarray(table["signal_to_noise"]) > 10)) for table in (single, coadd)]
    print(f"sources of 10 sigma: one visit {strong[0]}, coadd {strong[1]}")
    assert strong[1] > 1.5 * strong[0]
    summary = butler.get("tract_summary", tract=warp.data_id["tract"])
    (row,) = summary[summary["kind"] == "coadd"]
    assert row["n_images"] == 11
    assert row["exposure_time"] == pytest.approx(165.0)
