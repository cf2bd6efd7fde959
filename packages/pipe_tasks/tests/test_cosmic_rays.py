# SPDX-License-Identifier: BSD-3-Clause
import numpy as np

from pachon.pipe_tasks.cosmic_rays import mask_cosmic_rays
from pachon.pipe_tasks.mask_planes import MaskPlane
from pachon.pipe_tasks.testing import SimulatedDetector, SimulatedField, SimulatedPointing


def test_hits_are_marked_and_stars_are_not():
    detector, field, pointing = SimulatedDetector(), SimulatedField(size=100.0, stars=30), SimulatedPointing()
    clean = field.image(detector, pointing)
    image = field.image(detector, pointing)
    pixels = field.true_pixels(detector, pointing)
    random = np.random.default_rng(1)
    places = [
        place for place in random.integers(10, 290, (60, 2)).tolist() if np.hypot(*(pixels - place).T).min() > 12.0
    ]
    for x, y in places:
        image.data[y, x : x + 3] += 3000.0
    found = mask_cosmic_rays(image)
    hit = (image.flags & MaskPlane.COSMIC_RAY) != 0
    assert found == np.count_nonzero(hit)
    assert all(hit[y, x : x + 3].all() for x, y in places)
    assert image.mask[hit].all()
    rows, columns = np.nonzero(hit)
    # No star loses a pixel: every marked one is in or beside a hit.
    distance = np.array([[np.hypot(x + 1 - c, y - r) for x, y in places] for r, c in zip(rows, columns, strict=True)])
    assert (distance.min(axis=1) < 4).mean() > 0.97
    assert np.abs(image.data[hit] - clean.data[hit]).max() < 200.0


def test_nothing_to_find():
    image = SimulatedField(stars=1, size=1000.0).image(SimulatedDetector(), SimulatedPointing())
    assert mask_cosmic_rays(image) <= 2
