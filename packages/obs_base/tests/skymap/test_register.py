# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import pytest

from pachon.base import ConflictError, NotFoundError
from pachon.butler import Butler
from pachon.obs_base.raw.ingest import RawIngestOptions, ingest_raws
from pachon.obs_base.simcam.instrument import SimCam
from pachon.obs_base.skymap.kinds import make_sky_map
from pachon.obs_base.skymap.make_discrete import make_discrete_sky_map, read_discrete_config
from pachon.obs_base.skymap.register import register_sky_map
from pachon.obs_base.visits.define import define_visits

SMALL = {
    "raList": [10.0, 11.0],
    "decList": [0.0, 1.0],
    "radiusList": [0.2, 0.1],
    "tractOverlap": 0.0,
    "pixelScale": 1.0,
}
SIZES = {"patchInnerDimensions": [800, 800]}


def test_register(butler: Butler) -> None:
    sky_map = make_sky_map("discrete", {**SMALL, **SIZES})
    assert register_sky_map(butler, "two", sky_map)
    assert not register_sky_map(butler, "two", sky_map)
    assert butler.get("skyMap", skymap="two", collections="skymaps") == sky_map
    assert len(butler.fetch_records("tract")) == 2
    assert len(butler.fetch_records("patch")) == sum(len(tract) for tract in sky_map)


def test_conflicts(butler: Butler) -> None:
    register_sky_map(butler, "two", make_sky_map("discrete", {**SMALL, **SIZES}))
    with pytest.raises(ConflictError, match="registered already, as 'two'"):
        register_sky_map(butler, "four", make_sky_map("discrete", {**SMALL, **SIZES}))
    with pytest.raises(ConflictError, match="another sky map 'two' with other settings"):
        register_sky_map(butler, "two", make_sky_map("discrete", {**SMALL, **SIZES, "rotation": 4.0}))


def test_an_interrupted_registration_is_completed(butler: Butler, monkeypatch: pytest.MonkeyPatch) -> None:
    sky_map = make_sky_map("discrete", {**SMALL, **SIZES})
    with monkeypatch.context() as patch:
        patch.setattr(Butler, "put", lambda *args, **kwargs: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            register_sky_map(butler, "two", sky_map)
    assert register_sky_map(butler, "two", sky_map)
    assert butler.get("skyMap", skymap="two", collections="skymaps") == sky_map


@pytest.fixture
def observed(butler: Butler, simulated: Path) -> Butler:
    ingest_raws(butler, [str(simulated)], RawIngestOptions(transfer="direct"))
    define_visits(butler, SimCam())
    return butler


def test_sky_map_of_visits(observed: Butler) -> None:
    config = read_discrete_config(
        {"skyMap.pixelScale": "0.5", "skyMap.projection": "TAN", "skyMap.patchInnerDimensions": "[800, 800]"}
    )
    sky_map, is_new = make_discrete_sky_map(observed, SimCam(), config, name="field", each_field=True)
    assert is_new
    (tract,) = sky_map
    assert tract.center == pytest.approx((53.0, -28.0), abs=0.05)
    # Every visit overlaps the tract.
    data_ids = list(observed.query_data_ids(["visit", "tract"], where="skymap = 'field'"))
    assert len(data_ids) == 8
    again, is_new = make_discrete_sky_map(observed, SimCam(), config, name="field", each_field=True)
    assert again == sky_map
    assert not is_new


def test_sky_map_of_images(observed: Butler) -> None:
    config = read_discrete_config({"skyMap.pixelScale": "0.5"})
    sky_map, _ = make_discrete_sky_map(
        observed,
        SimCam(),
        config,
        collections=["SimCam/raw/all"],
        dataset_type="raw",
        where="exposure.observation_type = 'science' AND exposure.day_obs = 20250301",
    )
    assert len(sky_map) == 1


def test_nothing_observed(butler: Butler) -> None:
    with pytest.raises(NotFoundError, match="There is no visit of SimCam"):
        make_discrete_sky_map(butler, SimCam(), read_discrete_config({}))
