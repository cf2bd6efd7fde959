# SPDX-License-Identifier: BSD-3-Clause
"""Visits laid on each other by their stars: what the pointing got wrong, and how bright each visit is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pachon.pipe_tasks.arrays import BoolArray, FloatArray, IntArray
from pachon.pipe_tasks.similarity import Similarity, fit_similarity
from pachon.pipe_tasks.star_matching import Match, match_stars, vote_offset

__all__ = ["RegistrationSettings", "StarList", "VisitRegistration", "register_visits"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StarList:
    """The stars of one visit, brightest first, where its WCS puts them in the pixels of a common frame."""

    visit: int
    band: str
    positions: FloatArray
    """Shape (n, 2)."""

    errors: FloatArray
    """Standard deviation of the positions, per axis."""

    flux: FloatArray
    """Per second."""

    flux_error: FloatArray
    detectors: IntArray
    """Detector of each star."""

    depth: float
    """Which of two visits sees fainter stars: the limiting flux a second, inverted, of one band; any scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationSettings:
    """Lengths are in pixels of the common frame."""

    max_offset: float
    """Longest error of the pointing."""

    tolerance: float
    """How far the stars of a pair may lie apart when only the shift is known."""

    minimum_matched: int = 5
    """A visit with less stars in common with the others is not used."""

    minimum_fraction: float = 0.2
    """Nor one with a smaller part of the stars it should have in common."""

    fit: str = "similarity"
    """``shift`` or ``similarity``."""

    minimum_similarity: int = 10
    """With less pairs a shift is fitted."""

    flux_signal_to_noise: float = 20.0
    """Stars for the relative brightness of visits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRegistration:
    """What was found for one visit."""

    visit: int
    group: int
    """Visits of one group overlap and share a frame; groups of a tract do not touch."""

    is_reference: bool
    """Whether the matching of its group began with this visit."""

    used: bool
    transform: Similarity
    """Brings the positions of this visit to the frame of its group."""

    rms: float
    """Scatter of its stars about their mean places, per axis, each star weighted by the inverse of its variance (what
    bright stars show); NaN for a visit that is alone."""

    n_matched: int
    n_stars: int
    flux_scale: float
    """Brings fluxes a second of this visit to those of the deepest visit of its band and group."""

    n_flux: int
    detector_rms: Mapping[int, tuple[float, int]] = field(default_factory=dict)
    """The same, and the number of matched stars, of each detector."""

    is_anchored: bool = False
    """Whether catalogued stars say where the group is; else the pointing of its visits does."""


def register_visits(visits: Sequence[StarList], settings: RegistrationSettings) -> list[VisitRegistration]:
    """Find the transformations that lay the stars of many visits on each other.

    Parameters
    ----------
    visits
        Star lists in one frame, shifted against each other by errors of pointing.
    settings
        How.

    Returns
    -------
    list of VisitRegistration
        In the order of the visits.

    Notes
    -----
    The deepest visit is the reference. The visit with most stars in its reach is matched to it (`vote_offset`, then
    least squares), its other stars join the list, and so on, so that dithered visits which share no star with the
    reference are reached over others. Then all visits are fitted to the mean places of the stars, twice, and the group is
    moved so that the median shift is zero: one wrong pointing does not carry the others away. Visits that
    match nothing start another group if they do not reach the stars of any earlier one; else they are not used.
    """
    results: dict[int, VisitRegistration] = {}
    pending = sorted(range(len(visits)), key=lambda i: (-len(visits[i].positions) * visits[i].depth, visits[i].visit))
    field_lists: list[FloatArray] = []
    group = 0
    while pending:
        reference = pending.pop(0)
        reached = any(_overlap(visits[reference], other, settings.max_offset) for other in field_lists)
        if reached or not len(visits[reference].positions):
            results[reference] = _unused(visits[reference], group=-1)
            continue
        transforms, pending, master = _grow(visits, reference, pending, settings)
        members = list(transforms)
        transforms, matches = _refine(visits, transforms, settings)
        middle = np.median([(found.dx, found.dy) for found in transforms.values()], axis=0)
        scales = _flux_scales(visits, members, matches, settings)
        for i in members:
            moved = replace(transforms[i], dx=transforms[i].dx - middle[0], dy=transforms[i].dy - middle[1])
            results[i] = _registered(visits[i], matches[i], moved, scales[i], group, i == reference, len(members) == 1)
        field_lists.append(master)
        group += 1
    return [results[i] for i in range(len(visits))]


def _grow(
    visits: Sequence[StarList], reference: int, pending: list[int], settings: RegistrationSettings
) -> tuple[dict[int, Similarity], list[int], FloatArray]:
    """Match visits one after another to the growing list of stars; give who matched, who did not, and the list."""
    transforms = {reference: Similarity()}
    stars, errors, flux = (visits[reference].positions, visits[reference].errors, visits[reference].flux)
    waiting = list(pending)
    progress = True
    while progress and waiting:
        progress = False
        waiting.sort(key=lambda i: (-_overlap(visits[i], stars, 0.0), visits[i].visit))
        for i in list(waiting):
            match = _match(visits[i], stars, errors, flux, settings)
            if match is None:
                continue
            transforms[i] = match.transform
            waiting.remove(i)
            fresh = np.ones(len(visits[i].positions), dtype=bool)
            fresh[match.first] = False
            stars = np.concatenate([stars, match.transform.apply(visits[i].positions[fresh])])
            errors = np.concatenate([errors, visits[i].errors[fresh]])
            flux = np.concatenate([flux, visits[i].flux[fresh]])
            progress = True
            break
    # The order of the pending ones is that of depth again.
    return transforms, [i for i in pending if i in waiting], stars


def _overlap(visit: StarList, stars: FloatArray, margin: float) -> int:
    """Count stars in the box of a visit, grown by a margin."""
    if not len(visit.positions):
        return 0
    low, high = visit.positions.min(axis=0) - margin, visit.positions.max(axis=0) + margin
    return int(np.count_nonzero(np.all((stars >= low) & (stars <= high), axis=1)))


def _match(
    visit: StarList, stars: FloatArray, errors: FloatArray, flux: FloatArray, settings: RegistrationSettings
) -> Match | None:
    if not len(visit.positions):
        return None
    low, high = visit.positions.min(axis=0) - settings.max_offset, visit.positions.max(axis=0) + settings.max_offset
    near = np.flatnonzero(np.all((stars >= low) & (stars <= high), axis=1))
    near = near[np.argsort(-flux[near], kind="stable")]
    offset = vote_offset(visit.positions, stars[near], max_offset=settings.max_offset, tolerance=settings.tolerance)
    if offset is None:
        return None
    start = Similarity(dx=offset.dx, dy=offset.dy)
    match = match_stars(
        visit.positions,
        stars[near],
        start=start,
        tolerance=settings.tolerance,
        fit=_model(settings, offset.votes),
        errors=(visit.errors, errors[near]),
    )
    # Stars it should have in common: the fewer of its own in the field of the others, and of the others in its own.
    moved = match.transform.apply(visit.positions)
    low, high = moved.min(axis=0), moved.max(axis=0)
    theirs = int(np.count_nonzero(np.all((stars[near] >= low) & (stars[near] <= high), axis=1)))
    common = min(theirs, len(visit.positions))
    enough = match.n_matched >= settings.minimum_matched
    return match if enough and match.n_matched >= settings.minimum_fraction * common else None


def _model(settings: RegistrationSettings, pairs: int) -> str:
    return settings.fit if pairs >= settings.minimum_similarity else "shift"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fitted:
    """A visit against the mean places of the stars."""

    transform: Similarity
    rows: IntArray
    stars: IntArray
    residual: FloatArray
    variance: FloatArray

    def rms(self, chosen: BoolArray | slice = slice(None)) -> float:
        """Give the weighted scatter of one axis, NaN of no stars."""
        residual, variance = self.residual[chosen], self.variance[chosen]
        if not len(residual):
            return float("nan")
        return float(np.sqrt(np.average(0.5 * np.sum(residual**2, axis=1), weights=1.0 / variance)))


def _refine(
    visits: Sequence[StarList], transforms: dict[int, Similarity], settings: RegistrationSettings
) -> tuple[dict[int, Similarity], dict[int, _Fitted]]:
    """Fit every visit to the mean places of the stars, and take those again."""
    members = list(transforms)
    fitted: dict[int, _Fitted] = {}
    for _ in range(2):
        places = {i: transforms[i].apply(visits[i].positions) for i in members}
        labels, count = _label_stars([places[i] for i in members], settings.tolerance)
        total, mean = np.zeros(count), np.zeros((count, 2))
        number = np.zeros(count, dtype=int)
        for i, label in zip(members, labels, strict=True):
            weight = 1.0 / (visits[i].errors ** 2 + (0.02 * settings.tolerance) ** 2)
            np.add.at(total, label, weight)
            np.add.at(mean, label, weight[:, None] * places[i])
            np.add.at(number, label, 1)
        mean /= np.where(total > 0, total, 1.0)[:, None]
        for i, label in zip(members, labels, strict=True):
            fitted[i] = _fit_to_mean(visits[i], label, mean, number, transforms[i], settings)
            transforms[i] = fitted[i].transform
    return transforms, fitted


def _label_stars(places: Sequence[FloatArray], tolerance: float) -> tuple[list[IntArray], int]:
    """Give the stars of many lists a common number: near ones of different lists are the same star."""
    from scipy.spatial import cKDTree

    known = places[0]
    labels: list[IntArray] = [np.arange(len(known))]
    for points in places[1:]:
        distance, partner = cKDTree(known).query(points, distance_upper_bound=0.5 * tolerance)
        # Of several stars near one, the nearest is it; the others are new.
        order = np.argsort(distance, kind="stable")
        first_use = np.zeros(len(points), dtype=bool)
        _, index = np.unique(partner[order], return_index=True)
        first_use[order[index]] = True
        same = np.isfinite(distance) & first_use
        label = np.where(same, partner, 0)
        label[~same] = len(known) + np.arange(int(np.count_nonzero(~same)))
        known = np.concatenate([known, points[~same]])
        labels.append(label)
    return labels, len(known)


def _fit_to_mean(
    visit: StarList,
    label: IntArray,
    mean: FloatArray,
    number: IntArray,
    transform: Similarity,
    settings: RegistrationSettings,
) -> _Fitted:
    rows = np.flatnonzero(number[label] > 1)
    variance = visit.errors[rows] ** 2 + (0.02 * settings.tolerance) ** 2
    residual = np.zeros((len(rows), 2))
    for _ in range(3):
        if not len(rows):
            break
        transform = fit_similarity(
            visit.positions[rows], mean[label[rows]], model=_model(settings, len(rows)), weights=1.0 / variance
        )
        residual = mean[label[rows]] - transform.apply(visit.positions[rows])
        size = np.hypot(*residual.T) / np.sqrt(2.0 * variance)
        kept = size <= 3.0 * max(1.0, 1.2 * float(np.median(size)))
        if kept.all():
            break
        rows, variance, residual = rows[kept], variance[kept], residual[kept]
    return _Fitted(transform=transform, rows=rows, stars=label[rows], residual=residual, variance=variance)


def _flux_scales(
    visits: Sequence[StarList], members: Sequence[int], fitted: Mapping[int, _Fitted], settings: RegistrationSettings
) -> dict[int, tuple[float, int]]:
    """Find what each visit's fluxes are to be multiplied by, and from how many stars."""
    scales: dict[int, tuple[float, int]] = {}
    for band in sorted({visits[i].band for i in members}):
        mine = sorted((i for i in members if visits[i].band == band), key=lambda i: (-visits[i].depth, visits[i].visit))
        logs, stars = {}, {}
        for i in mine:
            rows = fitted[i].rows
            flux, error = visits[i].flux[rows], visits[i].flux_error[rows]
            bright = (flux > 0) & (flux > settings.flux_signal_to_noise * error)
            logs[i], stars[i] = np.log(flux[bright]), fitted[i].stars[bright]
        zero = {mine[0]: 0.0}
        count = {mine[0]: len(stars[mine[0]])}
        for _ in range(3):  # visits that share no star with the first come in over others
            known: dict[int, list[float]] = {}
            for i, shift in zero.items():
                for star, value in zip(stars[i], logs[i] + shift, strict=True):
                    known.setdefault(int(star), []).append(float(value))
            middle = {star: float(np.median(values)) for star, values in known.items()}
            for i in mine[1:]:
                differences = [middle[int(s)] - v for s, v in zip(stars[i], logs[i], strict=True) if int(s) in middle]
                if len(differences) >= 3:
                    zero[i], count[i] = float(np.median(differences)), len(differences)
        for i in mine:
            scales[i] = (float(np.exp(zero.get(i, 0.0))), count.get(i, 0))
    return scales


def _registered(
    visit: StarList,
    fitted: _Fitted,
    transform: Similarity,
    scale: tuple[float, int],
    group: int,
    is_reference: bool,
    is_alone: bool,
) -> VisitRegistration:
    detectors = visit.detectors[fitted.rows]
    by_detector = {}
    for detector in np.unique(visit.detectors):
        here = np.asarray(detectors == detector)
        by_detector[int(detector)] = (fitted.rms(here), int(np.count_nonzero(here)))
    return VisitRegistration(
        visit=visit.visit,
        group=group,
        is_reference=is_reference,
        used=is_alone or len(fitted.rows) > 0,
        transform=transform,
        rms=fitted.rms(),
        n_matched=len(fitted.rows),
        n_stars=len(visit.positions),
        flux_scale=scale[0],
        n_flux=scale[1],
        detector_rms=by_detector,
    )


def _unused(visit: StarList, *, group: int) -> VisitRegistration:
    return VisitRegistration(
        visit=visit.visit,
        group=group,
        is_reference=False,
        used=False,
        transform=Similarity(),
        rms=float("nan"),
        n_matched=0,
        n_stars=len(visit.positions),
        flux_scale=1.0,
        n_flux=0,
    )
