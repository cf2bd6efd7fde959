# SPDX-License-Identifier: BSD-3-Clause
"""Quanta whose data IDs are pixels of other pixelizations than the common one: built, run, and compared with the regions."""

import pytest

from pachon.butler import Butler
from pachon.ctrl_mpexec import run_quantum_graph
from pachon.ctrl_mpexec.testing.pixel_tasks import PIXEL_PIPELINE
from pachon.ctrl_mpexec.testing.sky_survey import make_survey
from pachon.dimensions.region import region_from_bytes
from pachon.pipe_base import Pipeline, build_quantum_graph

DISJOINT = 1


def touching(regions, grid):
    """Give the pixels that each region touches, by the exact relation of the two."""
    found = {}
    for key, region in regions.items():
        pixels = [p for begin, end in grid.envelope(region) for p in range(begin, end)]
        found[key] = {p for p in pixels if not region.relate(grid.pixel(p)) & DISJOINT}
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("pixels") / "repo"
    make_survey(root, visits=2)
    with Butler.open(str(root), writeable=True) as butler:
        graph = build_quantum_graph(
            Pipeline.from_yaml(PIXEL_PIPELINE), butler, where="instrument='Cam' AND skymap='sky'",
            input_collections=["defaults"], output_run="me/run",
        )  # fmt: skip
        yield butler, graph


def regions_of(butler, element, *keys):
    records = butler.fetch_records(element)
    columns = [records.columns[records.element.key_name(key)].tolist() for key in keys]
    regions = map(region_from_bytes, records.columns["region"].tolist())
    return dict(zip(zip(*columns, strict=True), regions, strict=True))


def test_tiles_read_the_images_that_touch_them(built):
    butler, graph = built
    images = regions_of(butler, "visit_detector_region", "visit", "detector")
    expected = touching(images, butler.universe.pixelization("htm9"))
    patches = touching(regions_of(butler, "patch", "patch"), butler.universe.pixelization("htm9"))
    seen = {}
    for quantum in graph.iter_quanta("tile"):
        for ref in quantum.inputs["images"]:
            seen.setdefault((ref.data_id["visit"], ref.data_id["detector"]), set()).add(quantum.data_id["htm9"])
    # All data IDs of a part come from one query: a tile counts if a patch and an image touch it, and each other.
    assert seen
    for key, tiles in seen.items():
        assert tiles <= expected[key]
        assert tiles >= {tile for tile in expected[key] if any(tile in of for of in patches.values())}
    read = {
        q.data_id["patch"]: {ref.data_id["htm9"] for ref in q.inputs["tiles"]} for q in graph.iter_quanta("patches")
    }
    assert read.keys() == {0, 1, 2, 3}
    for patch, tiles in read.items():
        assert tiles == {tile for tile in patches[(patch,)] if any(tile in of for of in seen.values())}


def test_pixels_of_two_systems_are_joined(built):
    butler, graph = built
    fine, coarse = butler.universe.pixelization("htm9"), butler.universe.pixelization("healpix4")
    tiles = {q.data_id["htm9"]: fine.pixel(q.data_id["htm9"]) for q in graph.iter_quanta("tile")}
    maps = {q.data_id["healpix4"]: {ref.data_id["htm9"] for ref in q.inputs["tiles"]} for q in graph.iter_quanta("map")}
    assert maps
    for pixel, read in maps.items():
        assert read == {tile for tile, region in tiles.items() if not coarse.pixel(pixel).relate(region) & DISJOINT}
    assert set().union(*maps.values()) == set(tiles)


def test_they_run(built):
    butler, graph = built
    for dataset_type in graph.dataset_types.values():
        butler.dataset_types.register(dataset_type)
    assert run_quantum_graph(graph, butler).is_success
    for quantum in graph.iter_quanta("map"):
        found = butler.get("map", healpix4=quantum.data_id["healpix4"], collections=["me/run"])
        assert found["count"] == len(quantum.inputs["tiles"])
