# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest

from pachon.pipe_tasks.registration import RegistrationSettings, StarList, register_visits

SETTINGS = RegistrationSettings(max_offset=300.0, tolerance=3.0)


class Sky:
    """Stars of a plane, seen by visits that are off by a shift."""

    def __init__(self, seed=1, stars=400, size=3000.0):
        random = np.random.default_rng(seed)
        self.places = random.uniform(0, size, (stars, 2))
        self.flux = 10 ** random.uniform(1.0, 4.0, stars)

    def visit(
        self, number, corner, shift, *, size=1000.0, band="V", noise=0.05, throughput=1.0, limit=20.0, rotation=0.0
    ):
        random = np.random.default_rng(number)
        inside = np.all((self.places >= corner) & (self.places < np.add(corner, size)), axis=1)
        seen = np.flatnonzero(inside & (self.flux * throughput > limit))
        seen = seen[np.argsort(-self.flux[seen])]
        middle = np.add(corner, size / 2.0)
        angle = np.deg2rad(rotation)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        places = (self.places[seen] - middle) @ turn.T + middle - shift
        flux = self.flux[seen] * throughput
        return StarList(
            visit=number,
            band=band,
            positions=places + random.normal(0, noise, places.shape),
            errors=np.full(len(seen), noise),
            flux=flux * random.normal(1.0, 0.01, len(seen)),
            flux_error=0.01 * flux,
            detectors=(places[:, 0] > middle[0]).astype(int),
            depth=throughput / limit,
        )


def test_shifts_up_to_the_limit():
    sky = Sky()
    shifts = {1: (0.0, 0.0), 2: (-34.0, -279.0), 3: (200.0, 150.0), 4: (3.0, -2.0)}
    found = register_visits([sky.visit(n, (1000, 1000), shift) for n, shift in shifts.items()], SETTINGS)
    assert [result.visit for result in found] == [1, 2, 3, 4]
    assert all(result.used and result.group == 0 for result in found)
    middle = np.median(list(shifts.values()), axis=0)
    for result in found:
        expected = np.subtract(shifts[result.visit], middle)
        assert result.transform.dx == pytest.approx(expected[0], abs=0.05)
        assert result.transform.dy == pytest.approx(expected[1], abs=0.05)
        # Against the mean of four, of which it is one: 0.05 sqrt(3 / 4).
        assert result.rms == pytest.approx(0.05 * 0.75**0.5, rel=0.25)
        assert result.n_matched > 30
        assert set(result.detector_rms) == {0, 1}
        assert sum(count for _, count in result.detector_rms.values()) == result.n_matched


def test_one_wrong_pointing_does_not_carry_the_others_away():
    sky = Sky()
    # The deepest visit, with which the matching begins, is the one that is wrong.
    visits = [sky.visit(n, (1000, 1000), (0.0, 0.0), limit=100.0) for n in (1, 2, 3)]
    found = register_visits([*visits, sky.visit(4, (1000, 1000), (200.0, -100.0))], SETTINGS)
    assert found[3].is_reference
    assert [result.transform.dx for result in found] == pytest.approx([0, 0, 0, 200], abs=0.1)
    assert [result.transform.dy for result in found] == pytest.approx([0, 0, 0, -100], abs=0.1)


def test_rotation_of_a_visit():
    sky = Sky()
    found = register_visits(
        [sky.visit(1, (1000, 1000), (0, 0)), sky.visit(2, (1000, 1000), (50.0, 20.0), rotation=0.05)], SETTINGS
    )
    turned = found[1].transform.rotation - found[0].transform.rotation
    assert turned == pytest.approx(-0.05, abs=0.01)
    assert max(result.rms for result in found) < 0.1


def test_dithers_are_reached_over_others():
    sky = Sky()
    # The first and the last share no star.
    corners = {1: (0, 0), 2: (600, 100), 3: (1200, 200), 4: (1800, 300)}
    found = register_visits([sky.visit(n, corner, (5.0 * n, 40.0)) for n, corner in corners.items()], SETTINGS)
    assert {result.group for result in found} == {0}
    assert all(result.used for result in found)
    relative = [result.transform.dx - 5.0 * result.visit for result in found]
    assert np.ptp(relative) < 0.3


def test_fields_that_do_not_touch_are_groups():
    sky = Sky()
    visits = [
        sky.visit(1, (0, 0), (0, 0), size=800),
        sky.visit(2, (0, 0), (10, 5), size=800),
        sky.visit(3, (2000, 2000), (0, 0), size=800),
        sky.visit(4, (2000, 2000), (-7, 9), size=800),
    ]
    found = register_visits(visits, SETTINGS)
    assert found[0].group == found[1].group != found[2].group == found[3].group
    assert sum(result.is_reference for result in found) == 2
    assert all(result.used for result in found)


def test_a_visit_alone_is_used_as_it_is():
    (found,) = register_visits([Sky().visit(1, (0, 0), (0, 0))], SETTINGS)
    assert found.used
    assert found.is_reference
    assert (found.transform.dx, found.transform.dy) == (0.0, 0.0)
    assert np.isnan(found.rms)


def test_a_visit_that_should_match_and_does_not_is_not_used():
    sky, other = Sky(seed=1), Sky(seed=99)
    found = register_visits(
        [sky.visit(1, (0, 0), (0, 0)), sky.visit(2, (0, 0), (4, 4)), other.visit(3, (0, 0), (0, 0), limit=500.0)],
        SETTINGS,
    )
    assert [result.used for result in found] == [True, True, False]
    assert found[2].group == -1


def test_no_stars_at_all():
    sky = Sky()
    empty = sky.visit(2, (0, 0), (0, 0), limit=1e9)
    found = register_visits([sky.visit(1, (0, 0), (0, 0)), empty], SETTINGS)
    assert [result.used for result in found] == [True, False]
    assert not any(result.used for result in register_visits([empty], SETTINGS))


def test_relative_brightness_within_bands():
    sky = Sky()
    visits = [
        sky.visit(1, (1000, 1000), (0, 0)),
        sky.visit(2, (1000, 1000), (9, 0), throughput=0.5),
        sky.visit(3, (1000, 1000), (0, 9), band="B", throughput=0.3),
        sky.visit(4, (1000, 1000), (9, 9), band="B", throughput=0.15),
    ]
    found = register_visits(visits, SETTINGS)
    assert [result.flux_scale for result in found] == pytest.approx([1.0, 2.0, 1.0, 2.0], rel=0.01)
    assert all(result.n_flux > 10 for result in found)


def test_the_order_of_the_visits_does_not_matter():
    sky = Sky()
    visits = [sky.visit(n, (1000, 1000), (13.0 * n, -7.0 * n)) for n in range(1, 5)]
    forward = {r.visit: r for r in register_visits(visits, SETTINGS)}
    backward = {r.visit: r for r in register_visits(visits[::-1], SETTINGS)}
    for visit, result in forward.items():
        assert result.is_reference == backward[visit].is_reference
        assert result.transform.dx == pytest.approx(backward[visit].transform.dx, abs=0.01)
