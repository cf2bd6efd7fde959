# SPDX-License-Identifier: BSD-3-Clause
"""Define visits: select exposures, group them, and write the records of the visits."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pachon.base import InvalidInputError, closest
from pachon.dimensions import RecordTable
from pachon.obs_base.camera import Camera
from pachon.obs_base.instrument import Instrument
from pachon.obs_base.record_sync import RecordConflictError, SyncResult, compare_records, sync_records
from pachon.obs_base.visit_region import VisitRegionPolicy
from pachon.obs_base.visits.exposure_groups import ALGORITHMS, VISIT_SYSTEMS, Exposure, VisitGroup, check_groups
from pachon.obs_base.visits.visit_rows import VisitRows, make_visit_rows

if TYPE_CHECKING:
    from pachon.butler import Butler

__all__ = ["VisitOptions", "VisitReport", "define_visits"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitOptions:
    """How visits are defined."""

    where: str = ""
    """Which exposures; all of the instrument if empty."""

    group_exposures: str = "one-to-one"
    """``one-to-one``, ``by-group-metadata`` or ``one-to-one-and-by-counter``."""

    region: VisitRegionPolicy | None = None
    """How regions are made; as the instrument says if left out."""

    ignore_non_science: bool = True
    """Whether exposures that do not see the sky are left out; else they are an error."""

    update_records: bool = False
    """Whether visits that differ are replaced."""

    incremental: bool = False
    """Whether further exposures may join visits that exist; the missing members are fetched."""

    skip_conflicting: bool = False
    """Whether visits that differ are left as they are; else they are an error."""

    prefilter: bool = False
    """Whether exposures that are in a visit already are left out from the beginning."""

    check_detector_regions: bool = False
    """Whether missing regions of detectors are added to visits that exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitReport:
    """How many visits became what."""

    new: int = 0
    unchanged: int = 0
    updated: int = 0
    skipped: int = 0
    """Visits that differ and were left as they are."""

    ignored_exposures: int = 0
    """Exposures that do not see the sky, or whose pointing is not known."""


def define_visits(butler: Butler, instrument: Instrument, options: VisitOptions | None = None) -> VisitReport:
    """Define the visits of an instrument; all of them or, if one cannot be, none.

    Parameters
    ----------
    butler
        A writeable butler.
    instrument
        Registered there.
    options
        How.

    Raises
    ------
    InvalidInputError
        If options exclude each other, or exposures cannot be grouped.
    RecordConflictError
        If a visit exists with other values, and the options do not say what to do then.

    Notes
    -----
    Doing it again changes nothing.
    """
    options = options or VisitOptions()
    _check(options)
    exposures = _fetch_exposures(butler, instrument, options)
    chosen, ignored = _select(exposures, instrument, options)
    groups = _group(chosen, instrument, options)
    camera = _camera(butler, instrument)
    policy = options.region or instrument.visit_region
    rows = [_rows(instrument, camera, policy, group) for group in groups]
    with butler.transaction():
        _write_systems(butler, instrument, options)
        return _write_visits(butler, rows, options, ignored)


def _check(options: VisitOptions) -> None:
    if options.prefilter and (options.update_records or options.incremental):
        raise InvalidInputError(
            "Prefiltering leaves out what updating and incremental definition need; give one of them."
        )
    if options.group_exposures not in ALGORITHMS:
        raise InvalidInputError(
            f"There is no way {options.group_exposures!r} to group exposures; there are {', '.join(ALGORITHMS)}."
            f"{closest(options.group_exposures, ALGORITHMS)}"
        )


def _fetch_exposures(butler: Butler, instrument: Instrument, options: VisitOptions) -> list[Exposure]:
    ours = f"instrument = '{instrument.name}'"
    where = f"{ours} AND ({options.where})" if options.where.strip() else ours
    exposures = list(butler.query_dimension_records("exposure", where=where))
    if options.incremental and exposures and options.group_exposures != "one-to-one":
        days = ", ".join(str(day) for day in sorted({e.day_obs for e in exposures}))
        keys = {_member_key(e, options) for e in exposures}
        around = butler.query_dimension_records("exposure", where=f"{ours} AND exposure.day_obs IN ({days})")
        exposures = [e for e in around if _member_key(e, options) in keys]
    if options.prefilter:
        table = butler.fetch_records("visit_definition")
        done = {(r.instrument, r.exposure) for r in table}
        exposures = [e for e in exposures if (instrument.name, e.id) not in done]
    return sorted(exposures, key=lambda e: e.id)


def _member_key(exposure: Exposure, options: VisitOptions) -> Any:
    if options.group_exposures == "by-group-metadata":
        return exposure.group
    return (exposure.day_obs, exposure.seq_start, exposure.seq_end)


def _select(exposures: Sequence[Exposure], instrument: Instrument, options: VisitOptions) -> tuple[list[Exposure], int]:
    policy = options.region or instrument.visit_region
    chosen, left_out = [], []
    for exposure in exposures:
        pointing = [exposure.tracking_ra, exposure.tracking_dec]
        if policy.needs_rotation:
            pointing.append(exposure.sky_angle)
        if exposure.can_see_sky is False or any(value is None for value in pointing):
            left_out.append(exposure)
        else:
            chosen.append(exposure)
    if left_out and not options.ignore_non_science:
        raise InvalidInputError(
            f"Exposure {left_out[0].obs_id} does not see the sky or has no known pointing; leave it out by an expression."
        )
    return chosen, len(left_out)


def _group(exposures: Sequence[Exposure], instrument: Instrument, options: VisitOptions) -> list[VisitGroup]:
    algorithm, _ = ALGORITHMS[options.group_exposures]
    groups = check_groups(algorithm(exposures, instrument.group_id))
    for group in groups:
        filters = {exposure.physical_filter for exposure in group.exposures}
        if len(filters) > 1:
            raise InvalidInputError(f"Visit {group.name!r} would have several filters: {', '.join(sorted(filters))}.")
    return groups


def _camera(butler: Butler, instrument: Instrument) -> Camera:
    """Give the camera, without detectors that the repository does not know."""
    known = {record.id for record in butler.fetch_records("detector") if record.instrument == instrument.name}
    if not known:
        raise InvalidInputError(f"{instrument.name} is not registered in this repository.")
    return instrument.camera


def _rows(instrument: Instrument, camera: Camera, policy: VisitRegionPolicy, group: VisitGroup) -> VisitRows:
    first = group.exposures[0]
    regions = policy.compute(camera, ra=first.tracking_ra, dec=first.tracking_dec, sky_angle=first.sky_angle)
    return make_visit_rows(instrument.name, group, regions)


def _write_systems(butler: Butler, instrument: Instrument, options: VisitOptions) -> None:
    _, systems = ALGORITHMS[options.group_exposures]
    rows = [{"instrument": instrument.name, "id": one, "name": VISIT_SYSTEMS[one]} for one in sorted(systems)]
    sync_records(butler, "visit_system", rows)


def _write_visits(butler: Butler, rows: list[VisitRows], options: VisitOptions, ignored: int) -> VisitReport:
    if not rows:
        return VisitReport(ignored_exposures=ignored)
    wanted = RecordTable.from_rows(butler.universe["visit"], [row.visit for row in rows])
    result = compare_records(wanted, butler.fetch_records("visit", wanted.data_ids(butler.universe)))
    may_update = options.update_records or options.incremental
    if result.changed and not may_update and not options.skip_conflicting:
        way_out = "Say update_records=True to replace it, or skip_conflicting=True to leave it."
        raise RecordConflictError("visit", result.changed[0], way_out)
    for change in result.changed:
        _log.info("Visit %s is %s: %s.", change.key[-1], "updated" if may_update else "left as it is", change)
    changed = [change.row for change in result.changed] if may_update else []
    if result.added:
        butler.dimension_records.insert("visit", wanted.take(np.asarray(result.added)), skip_existing=True)
    if changed:
        butler.dimension_records.insert("visit", wanted.take(np.asarray(changed)), replace=True)
    _write_joins(butler, rows, result, changed, options)
    return VisitReport(
        new=len(result.added),
        unchanged=len(result.unchanged),
        updated=len(changed),
        skipped=len(result.changed) - len(changed),
        ignored_exposures=ignored,
    )


def _write_joins(
    butler: Butler, rows: list[VisitRows], result: SyncResult, changed: list[int], options: VisitOptions
) -> None:
    touched = [rows[i] for i in (*result.added, *changed)]
    sync_records(butler, "visit_definition", [row for one in touched for row in one.definitions])
    sync_records(butler, "visit_system_membership", [row for one in touched for row in one.memberships])
    again = [*result.unchanged] if options.update_records or options.check_detector_regions else []
    for one in (*touched, *(rows[i] for i in again)):
        sync_records(butler, "visit_detector_region", one.detector_regions, update=True)
