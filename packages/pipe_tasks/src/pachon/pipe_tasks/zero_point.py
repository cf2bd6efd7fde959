# SPDX-License-Identifier: BSD-3-Clause
"""The magnitude of one electron a second, from standard stars in the field."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from pachon.pipe_tasks.arrays import FloatArray, IntArray

__all__ = ["StandardMatch", "ZeroPoint", "fit_zero_point", "match_standards"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardMatch:
    """Standard stars found among the sources of a visit."""

    standards: IntArray
    """Rows of the standards..."""

    sources: IntArray
    """...and of the sources that they are."""

    dx: float
    """How far the standards lie from where the WCS puts them (same unit as the positions)."""

    dy: float
    scatter: float
    """Robust scatter of catalogue minus instrumental magnitude (mag)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroPoint:
    """Catalogue magnitude = instrumental magnitude + value."""

    value: float
    """mag"""

    error: float
    """Standard error of the mean (mag), from the scatter; from the photometric errors with less than two stars."""

    scatter: float
    """Standard deviation of one star (mag), NaN of less than two."""

    residuals: FloatArray
    """One a star given, rejected ones included (mag)."""

    used: FloatArray
    """Whether each star is in the mean."""


def match_standards(
    standards: FloatArray,
    magnitudes: FloatArray,
    sources: FloatArray,
    instrumental: FloatArray,
    *,
    max_offset: float,
    tolerance: float,
    magnitude_tolerance: float = 0.5,
    minimum: int = 2,
    false_alarm: float = 0.01,
    brightest: int = 100,
    anchors: int = 12,
    judges: int = 40,
) -> StandardMatch | None:
    """Find standard stars although the pointing is wrong by much more than the stars are apart.

    Parameters
    ----------
    standards, sources
        Positions (n, 2) in one plane.
    magnitudes, instrumental
        Catalogue magnitudes, and instrumental ones of the sources.
    max_offset
        Longest error of the pointing.
    tolerance
        How well the positions of standards relative to each other must fit.
    magnitude_tolerance
        How well their magnitudes must (mag): a difference between two standards is one between two sources.
    minimum
        So many must be found (two at least: one is always somewhere).
    false_alarm
        Largest expected number of equally good matches by chance.
    brightest
        So many of the sources, brightest first, take part in the search for the offset.
    anchors, judges
        The brightest so many standards make hypotheses for the offset, and judge them; the rest is matched when the
        offset is known.

    Returns
    -------
    StandardMatch or None

    Notes
    -----
    Every pair of an anchor and a source is a hypothesis for the offset. It is judged by the number of matches as good that
    chance would give: the probability of a source of the right brightness near each standard that is found, the ways
    to choose these among the standards, and the number of hypotheses with an offset as small. So two standards are
    enough where the pointing is good or the stars are bright, and three are not in a crowd of faint ones.
    """
    order = np.argsort(instrumental, kind="stable")
    order = order[np.isfinite(instrumental[order])]
    usable = np.flatnonzero(np.isfinite(magnitudes) & np.isfinite(standards).all(axis=1))
    usable = usable[np.argsort(magnitudes[usable], kind="stable")]
    if not len(order) or not len(usable):
        return None
    search = _Search(
        standards=standards[usable[:judges]],
        magnitudes=magnitudes[usable[:judges]],
        sources=sources[order[:brightest]],
        instrumental=instrumental[order[:brightest]],
        tolerance=tolerance,
        magnitude_tolerance=magnitude_tolerance,
    )
    found = search.best(anchors=anchors, max_offset=max_offset)
    if found is None or found[1] > np.log(false_alarm):
        return None
    best = search.describe(found[0])
    zero = float(np.median(search.magnitudes[best.standards] - search.instrumental[best.sources]))
    everything = replace(
        search,
        standards=standards[usable],
        magnitudes=magnitudes[usable],
        sources=sources[order],
        instrumental=instrumental[order],
    )
    match = everything.describe(everything.pairs(np.array([best.dx, best.dy]), zero))
    if len(match.standards) < max(2, minimum):
        return None
    return replace(match, standards=usable[match.standards], sources=order[match.sources])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Search:
    """Standards and sources, both brightest first."""

    standards: FloatArray
    magnitudes: FloatArray
    sources: FloatArray
    instrumental: FloatArray
    tolerance: float
    magnitude_tolerance: float

    @cached_property
    def tree(self) -> Any:
        """The sources, for finding near ones."""
        from scipy.spatial import cKDTree

        return cKDTree(self.sources)

    @cached_property
    def area(self) -> float:
        """Of the box that holds the sources."""
        extent = np.maximum(np.ptp(self.sources, axis=0), self.tolerance)
        return float(np.prod(extent))

    def best(self, *, anchors: int, max_offset: float) -> tuple[IntArray, float] | None:
        """Give the pairs of the best hypothesis, and the logarithm of its expected number by chance."""
        hypotheses = [
            (float(np.hypot(*(self.sources[source] - self.standards[anchor]))), anchor, source)
            for anchor in range(min(anchors, len(self.standards)))
            for source in self.tree.query_ball_point(self.standards[anchor], max_offset)
        ]
        hypotheses.sort()
        lengths = np.array([length for length, _, _ in hypotheses])
        found: tuple[IntArray, float] | None = None
        for length, anchor, source in hypotheses:
            zero = float(self.magnitudes[anchor] - self.instrumental[source])
            pairs = self.pairs(self.sources[source] - self.standards[anchor], zero)
            if len(pairs) < 2:
                continue
            rivals = int(np.searchsorted(lengths, max(length, self.tolerance), side="right"))
            chance = np.log(rivals) + self._log_chance(pairs, zero)
            if found is None or chance < found[1]:
                found = (pairs, chance)
        return found

    def _log_chance(self, pairs: IntArray, zero: float) -> float:
        """Give the log probability that chance puts sources at all these standards but one."""
        expected = self.magnitudes[pairs[:, 0]] - zero
        bright, faint = (
            np.searchsorted(self.instrumental, expected + sign * self.magnitude_tolerance) for sign in (-1, 1)
        )
        rate = np.maximum(faint - bright, 1) * np.pi * self.tolerance**2 / self.area
        logs = np.sort(np.log(-np.expm1(-rate)))
        # One pair made the hypothesis and proves nothing: the least likely one is not counted.
        return float(np.sum(logs[1:]) + _log_choose(len(self.standards) - 1, len(pairs) - 1))

    def pairs(self, offset: FloatArray, zero: float) -> IntArray:
        """Pair standards with sources, shape (n, 2): of those near the place the one with the right magnitude."""
        expected = self.magnitudes - zero
        pairs: dict[int, tuple[float, int]] = {}
        for standard, near in enumerate(self.tree.query_ball_point(self.standards + offset, self.tolerance)):
            fits = [(abs(float(expected[standard] - self.instrumental[s])), int(s)) for s in near]
            if fits and min(fits)[0] <= self.magnitude_tolerance:
                difference, source = min(fits)
                if source not in pairs or difference < pairs[source][0]:
                    pairs[source] = (difference, standard)
        return np.array(sorted((standard, source) for source, (_, standard) in pairs.items()), dtype=int).reshape(-1, 2)

    def describe(self, pairs: IntArray) -> StandardMatch:
        """Measure offset and scatter of pairs."""
        if not len(pairs):
            none = np.zeros(0, dtype=int)
            return StandardMatch(standards=none, sources=none, dx=0.0, dy=0.0, scatter=float("nan"))
        shift = np.median(self.sources[pairs[:, 1]] - self.standards[pairs[:, 0]], axis=0)
        differences = self.magnitudes[pairs[:, 0]] - self.instrumental[pairs[:, 1]]
        return StandardMatch(
            standards=pairs[:, 0],
            sources=pairs[:, 1],
            dx=float(shift[0]),
            dy=float(shift[1]),
            scatter=float(np.median(np.abs(differences - np.median(differences)))),
        )


def _log_choose(total: int, chosen: int) -> float:
    from math import lgamma

    return lgamma(total + 1) - lgamma(chosen + 1) - lgamma(total - chosen + 1)


def fit_zero_point(
    magnitudes: FloatArray, instrumental: FloatArray, errors: FloatArray, *, floor: float = 0.02, clip: float = 3.0
) -> ZeroPoint:
    """Average catalogue minus instrumental magnitudes.

    Parameters
    ----------
    magnitudes, instrumental, errors
        One a star (mag).
    floor
        Added in quadrature to the errors (mag): catalogue, colour and flat field are not better.
    clip
        Stars further from the median than this many times the robust scatter (at least the floor) are left out, of
        four or more.

    Returns
    -------
    ZeroPoint
    """
    difference = np.asarray(magnitudes - instrumental, dtype=float)
    variance = np.asarray(errors, dtype=float) ** 2 + floor**2
    used = np.isfinite(difference) & np.isfinite(variance)
    if np.count_nonzero(used) >= 4:
        center = np.median(difference[used])
        spread = max(floor, 1.4826 * float(np.median(np.abs(difference[used] - center))))
        used &= np.abs(difference - center) <= clip * spread
    count = int(np.count_nonzero(used))
    if count == 0:
        nan = float("nan")
        return ZeroPoint(value=nan, error=nan, scatter=nan, residuals=difference, used=used)
    value = float(np.average(difference[used], weights=1.0 / variance[used]))
    scatter = float(np.std(difference[used] - value, ddof=1)) if count > 1 else float("nan")
    error = scatter / np.sqrt(count) if count > 1 else float(np.sqrt(variance[used][0]))
    return ZeroPoint(value=value, error=float(error), scatter=scatter, residuals=difference - value, used=used)
