# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pachon.pipe_tasks.similarity import Similarity
from pachon.pipe_tasks.star_matching import match_stars, vote_offset


def lists(shift, *, stars=60, common=40, noise=0.1, seed=1, size=1000.0):
    """Two lists of which a part is the same stars; the second is shifted."""
    random = np.random.default_rng(seed)
    shared = random.uniform(0, size, (common, 2))
    first = np.concatenate([shared, random.uniform(0, size, (stars - common, 2))])
    second = np.concatenate([shared + shift, random.uniform(0, size, (stars - common, 2))])
    return (
        random.permutation(first + random.normal(0, noise, first.shape)),
        random.permutation(second + random.normal(0, noise, second.shape)),
    )


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 297.0), st.floats(0, 2 * np.pi), st.integers(0, 10000))
def test_any_offset_within_the_limit_is_found(length, angle, seed):
    shift = np.array([length * np.cos(angle), length * np.sin(angle)])
    first, second = lists(shift, seed=seed)
    offset = vote_offset(first, second, max_offset=300.0, tolerance=3.0)
    assert offset is not None
    assert np.hypot(offset.dx - shift[0], offset.dy - shift[1]) < 0.3
    assert offset.votes >= 30


@pytest.mark.parametrize("seed", range(20))
def test_strangers_do_not_match(seed):
    first, second = lists((0, 0), common=0, seed=seed)
    assert vote_offset(first, second, max_offset=300.0, tolerance=3.0) is None


@pytest.mark.parametrize("seed", range(10))
def test_a_fifth_of_common_stars_is_enough(seed):
    first, second = lists((120.0, -80.0), stars=60, common=14, seed=seed)
    offset = vote_offset(first, second, max_offset=300.0, tolerance=3.0)
    assert offset is not None
    assert offset.dx == pytest.approx(120.0, abs=0.5)


def test_empty_lists_and_far_ones():
    some = np.zeros((3, 2))
    assert vote_offset(np.zeros((0, 2)), some, max_offset=10.0, tolerance=1.0) is None
    assert vote_offset(some, some + 1000.0, max_offset=10.0, tolerance=1.0) is None


def test_the_fit_recovers_a_similarity():
    truth = Similarity(dx=5.0, dy=-3.0, rotation=0.05, scale=1.0003, pivot=(500.0, 500.0))
    random = np.random.default_rng(2)
    first = random.uniform(0, 1000, (80, 2))
    second = truth.apply(first) + random.normal(0, 0.05, first.shape)
    start = Similarity(dx=5.2, dy=-3.1)
    match = match_stars(first, second, start=start, tolerance=3.0, fit="similarity")
    assert match.n_matched == 80
    assert match.transform.rotation == pytest.approx(0.05, abs=0.002)
    assert match.transform.scale == pytest.approx(1.0003, abs=3e-5)
    assert match.rms == pytest.approx(0.05 * 2**0.5, rel=0.15)
    shift = match_stars(first, second, start=start, tolerance=3.0)
    assert shift.rms > 3 * match.rms


def test_bright_stars_decide():
    random = np.random.default_rng(3)
    first = random.uniform(0, 1000, (40, 2))
    errors = np.where(np.arange(40) < 10, 0.02, 0.5)
    second = first + [2.0, 1.0] + random.normal(0, 1, first.shape) * errors[:, None]
    match = match_stars(
        first, second, start=Similarity(dx=2.0, dy=1.0), tolerance=3.0, errors=(errors, np.full(40, 1e-3))
    )
    assert abs(match.transform.dx - 2.0) < 0.03
    assert match.rms < 0.15


def test_wrong_pairs_are_dropped():
    random = np.random.default_rng(4)
    first = random.uniform(0, 1000, (30, 2))
    second = first + random.normal(0, 0.05, first.shape)
    second[0] += [1.5, 0.0]
    match = match_stars(first, second, start=Similarity(), tolerance=3.0)
    assert 0 not in match.first
    assert match.n_matched == 29


def test_nothing_near():
    match = match_stars(np.zeros((2, 2)), np.full((2, 2), 50.0), start=Similarity(), tolerance=3.0)
    assert match.n_matched == 0
    assert np.isnan(match.rms)
