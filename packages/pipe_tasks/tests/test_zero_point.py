# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from pachon.pipe_tasks.zero_point import fit_zero_point, match_standards

ZERO = 23.3


def sky(standards=3, strangers=80, shift=(-40.0, 103.0), noise=1.0, seed=1, scatter=0.02):
    """Standards (arcsec and mag) and a visit's sources that hold them, shifted, among strangers."""
    random = np.random.default_rng(seed)
    places = random.uniform(-150, 150, (standards, 2))
    magnitudes = random.uniform(10.0, 13.0, standards)
    found = places + shift + random.normal(0, noise, places.shape)
    sources = np.concatenate([found, random.uniform(-190, 190, (strangers, 2))])
    instrumental = np.concatenate(
        [magnitudes - ZERO + random.normal(0, scatter, standards), random.uniform(-11.0, -6.0, strangers)]
    )
    order = random.permutation(len(sources))
    return places, magnitudes, sources[order], instrumental[order], np.argsort(order)[:standards]


@pytest.mark.parametrize("seed", range(12))
def test_three_bright_standards_are_found_two_arcminutes_away(seed):
    places, magnitudes, sources, instrumental, truth = sky(seed=seed)
    match = match_standards(places, magnitudes, sources, instrumental, max_offset=120.0, tolerance=4.0)
    assert match is not None
    np.testing.assert_array_equal(match.sources[np.argsort(match.standards)], truth)
    assert (match.dx, match.dy) == pytest.approx((-40.0, 103.0), abs=2.0)


def test_strangers_rarely_look_like_standards():
    false = 0
    for seed in range(30):
        places, magnitudes, _, _, _ = sky(seed=seed)
        _, _, sources, instrumental, _ = sky(standards=0, seed=1000 + seed)
        found = match_standards(places, magnitudes, sources, instrumental, max_offset=120.0, tolerance=4.0)
        false += found is not None
    assert false <= 2


def test_many_standards():
    places, magnitudes, sources, instrumental, truth = sky(standards=60, strangers=200, shift=(3.0, -2.0))
    match = match_standards(places, magnitudes, sources, instrumental, max_offset=30.0, tolerance=4.0)
    assert match is not None
    assert len(match.standards) >= 55
    assert np.mean(truth[match.standards] == match.sources) > 0.95


def test_two_standards_count_only_where_chance_would_not_give_them():
    near = sky(standards=2, shift=(1.0, 1.0), seed=3)[:4]
    assert match_standards(*near, max_offset=120.0, tolerance=4.0) is not None
    far = list(sky(standards=2, strangers=99, seed=3)[:4])
    far[3] = np.where(far[3] < -9, far[3] + 3.0, far[3] - 3.0)
    assert match_standards(*far, max_offset=120.0, tolerance=4.0) is None


def test_bright_standards_in_a_crowd_of_faint_stars():
    for seed in range(5):
        random = np.random.default_rng(seed)
        places, magnitudes = random.uniform(-50, 50, (6, 2)), random.uniform(13, 15, 6)
        crowd, faint = random.uniform(-50, 50, (90, 2)), random.uniform(16, 19, 90)
        sources = np.concatenate([places, crowd]) + random.normal(0, 0.1, (96, 2))
        instrumental = np.concatenate([magnitudes, faint]) - ZERO
        match = match_standards(places, magnitudes, sources, instrumental, max_offset=120.0, tolerance=4.0)
        assert match is not None
        np.testing.assert_array_equal(np.sort(match.sources), np.arange(6))


def test_nothing_to_match():
    nothing = np.zeros((0, 2)), np.zeros(0)
    some = np.zeros((2, 2)), np.zeros(2)
    assert match_standards(*nothing, *some, max_offset=10.0, tolerance=1.0) is None
    assert match_standards(*some, *nothing, max_offset=10.0, tolerance=1.0) is None


def test_the_mean_and_its_error():
    random = np.random.default_rng(1)
    instrumental = random.uniform(-12, -9, 50)
    magnitudes = instrumental + ZERO + random.normal(0, 0.03, 50)
    fit = fit_zero_point(magnitudes, instrumental, np.full(50, 0.005))
    assert fit.value == pytest.approx(ZERO, abs=0.015)
    assert fit.scatter == pytest.approx(0.03, rel=0.3)
    assert fit.error == pytest.approx(0.03 / 50**0.5, rel=0.3)
    magnitudes[7] += 1.0
    robust = fit_zero_point(magnitudes, instrumental, np.full(50, 0.005))
    assert not robust.used[7]
    assert robust.value == pytest.approx(ZERO, abs=0.015)
    assert robust.residuals[7] == pytest.approx(1.0, abs=0.1)


def test_one_star_and_none():
    one = fit_zero_point(np.array([12.0]), np.array([-11.0]), np.array([0.01]))
    assert one.value == 23.0
    assert one.error == pytest.approx(np.hypot(0.01, 0.02))
    assert np.isnan(fit_zero_point(np.array([np.nan]), np.array([-11.0]), np.array([0.01])).value)
