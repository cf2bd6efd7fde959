# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import pytest

from pachon.base import InvalidInputError
from pachon.butler import Butler
from pachon.obs_base.nickel.instrument import Nickel
from pachon.obs_base.raw.ingest import RawIngestOptions, ingest_raws
from pachon.obs_base.record_sync import RecordConflictError
from pachon.obs_base.simcam.instrument import SimCam
from pachon.obs_base.visit_region import BoresightRegion, CircleRegion
from pachon.obs_base.visits.config import read_visits_config, region_of_config
from pachon.obs_base.visits.define import VisitOptions, VisitReport, define_visits


@pytest.fixture
def repository(butler: Butler, simulated: Path) -> Butler:
    ingest_raws(butler, [str(simulated)], RawIngestOptions(transfer="direct"))
    return butler


def test_science_exposures_become_visits(repository: Butler) -> None:
    report = define_visits(repository, SimCam())
    assert report == VisitReport(new=8, ignored_exposures=6)
    visits = list(repository.fetch_records("visit"))
    assert len(visits) == 8
    exposures = {exposure.id: exposure for exposure in repository.fetch_records("exposure")}
    for visit in visits:
        exposure = exposures[visit.id]
        assert visit.name == exposure.obs_id
        assert visit.timespan == exposure.timespan
        assert visit.physical_filter == exposure.physical_filter
        assert visit.region is not None
    assert len(repository.fetch_records("visit_definition")) == 8
    assert len(repository.fetch_records("visit_system_membership")) == 8
    assert len(repository.fetch_records("visit_detector_region")) == 32
    assert [(one.id, one.name) for one in repository.fetch_records("visit_system")] == [(0, "one-to-one")]


def test_again_changes_nothing(repository: Butler) -> None:
    define_visits(repository, SimCam())
    assert define_visits(repository, SimCam()) == VisitReport(unchanged=8, ignored_exposures=6)
    assert define_visits(repository, SimCam(), VisitOptions(prefilter=True)) == VisitReport(ignored_exposures=6)
    updated = define_visits(repository, SimCam(), VisitOptions(update_records=True))
    assert updated == VisitReport(unchanged=8, ignored_exposures=6)


def test_where(repository: Butler) -> None:
    report = define_visits(repository, SimCam(), VisitOptions(where="exposure.day_obs = 20250301 AND band = 'g'"))
    assert report.new == 2


def test_another_region_is_a_conflict(repository: Butler) -> None:
    define_visits(repository, SimCam())
    other = CircleRegion(padding=5.0)
    with pytest.raises(
        RecordConflictError, match=r"visit SimCam, 20250301\d+ is registered with other values: region is"
    ):
        define_visits(repository, SimCam(), VisitOptions(region=other))
    left = define_visits(repository, SimCam(), VisitOptions(region=other, skip_conflicting=True))
    assert left == VisitReport(skipped=8, ignored_exposures=6)
    updated = define_visits(repository, SimCam(), VisitOptions(region=other, update_records=True))
    assert updated == VisitReport(updated=8, ignored_exposures=6)
    regions = {type(one.region).__name__ for one in repository.fetch_records("visit_detector_region")}
    assert regions == {"Circle"}


def test_missing_detector_regions_come_back(repository: Butler) -> None:
    define_visits(repository, SimCam())
    report = define_visits(repository, SimCam(), VisitOptions(check_detector_regions=True))
    assert report.unchanged == 8
    assert len(repository.fetch_records("visit_detector_region")) == 32


def test_options_that_exclude_each_other(repository: Butler) -> None:
    with pytest.raises(InvalidInputError, match="give one of them"):
        define_visits(repository, SimCam(), VisitOptions(prefilter=True, incremental=True))
    with pytest.raises(InvalidInputError, match="There is no way 'by-group' to group exposures"):
        define_visits(repository, SimCam(), VisitOptions(group_exposures="by-group"))
    with pytest.raises(InvalidInputError, match="does not see the sky"):
        define_visits(repository, SimCam(), VisitOptions(ignore_non_science=False))


def test_groups(repository: Butler) -> None:
    report = define_visits(repository, SimCam(), VisitOptions(group_exposures="by-group-metadata", incremental=True))
    assert report.new == 8
    assert {one.visit_system for one in repository.fetch_records("visit_system_membership")} == {1}


def test_not_registered(tmp_path: Path) -> None:
    with (
        Butler.create(str(tmp_path / "empty")) as butler,
        pytest.raises(InvalidInputError, match="Nickel is not registered"),
    ):
        define_visits(butler, Nickel())


def test_nickel_visits_are_padded_circles(tmp_path: Path, nickel_data: Path) -> None:
    with Butler.create(str(tmp_path / "nickel")) as butler:
        Nickel().register(butler)
        ingest_raws(butler, [str(nickel_data / "2024-05-12")], RawIngestOptions(transfer="direct"))
        report = define_visits(butler, Nickel())
        assert report == VisitReport(new=6, ignored_exposures=8)
        for visit in butler.fetch_records("visit"):
            assert visit.region.getOpeningAngle().asDegrees() * 3600 == pytest.approx(268 + 120, abs=2)


def test_configuration(tmp_path: Path) -> None:
    file = tmp_path / "visits.py"
    file.write_text(
        'config.groupExposures = "by-group-metadata"\nconfig.computeVisitRegions = "single-raw-wcs"\n'
        'config.computeVisitRegions["single-raw-wcs"].padding = 100\n'
    )
    config = read_visits_config(SimCam(), [str(file)])
    assert config.groupExposures.name == "by-group-metadata"
    assert region_of_config(config) == BoresightRegion(padding=100)
    assert region_of_config(read_visits_config(SimCam())) is None
