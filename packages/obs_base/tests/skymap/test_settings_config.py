# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import pytest

from pachon.base import InvalidInputError, PachonError
from pachon.obs_base.skymap.kinds import make_sky_map
from pachon.obs_base.skymap.settings_config import read_sky_map_config


def test_values_of_the_command_line() -> None:
    name, sky_map = read_sky_map_config(
        {
            "name": "hsc",
            "skyMap": "rings",
            "skyMap.numRings": "120",
            "skyMap.projection": "TAN",
            "skyMap.tractOverlap": "0.5",
            "skyMap.patchBorder": "50",
        }
    )
    assert name == "hsc"
    assert sky_map == make_sky_map(
        "rings", {"numRings": 120, "projection": "TAN", "tractOverlap": 0.5, "patchBorder": 50}
    )


def test_override_file(tmp_path: Path) -> None:
    file = tmp_path / "map.py"
    file.write_text(
        'config.name = "field"\nconfig.skyMap.name = "discrete"\n'
        'config.skyMap["discrete"].raList = [10.0]\nconfig.skyMap["discrete"].decList = [1.0]\n'
        'config.skyMap["discrete"].radiusList = [0.2]\n'
        'config.skyMap["discrete"].tractBuilder["legacy"].patchInnerDimensions = [800, 800]\n'
    )
    name, sky_map = read_sky_map_config({"skyMap.pixelScale": "0.4"}, [str(file)])
    assert name == "field"
    assert sky_map.settings.pixel_scale == 0.4
    assert sky_map.grid.inner_width == 800


def test_cells(tmp_path: Path) -> None:
    file = tmp_path / "map.py"
    file.write_text(
        'config.name = "cells"\nconfig.skyMap = "rings"\nconfig.skyMap["rings"].numRings = 5\n'
        'config.skyMap["rings"].tractBuilder = "cells"\n'
        'config.skyMap["rings"].tractBuilder["cells"].cellBorder = 20\n'
    )
    _, sky_map = read_sky_map_config({}, [str(file)])
    assert sky_map.grid.cell_border == 20


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"skyMap": "rings", "skyMap.numRings": "3"}, "name"),
        ({"name": "x"}, "-c skyMap=..."),
        ({"name": "x", "skyMap": "ring"}, "ring"),
        ({"name": "x", "skyMap": "rings"}, "numRings"),
        ({"name": "x", "skyMap": "rings", "skyMap.numRing": "3"}, "numRing"),
    ],
)
def test_one_line_for_what_is_wrong(values: dict[str, str], problem: str) -> None:
    with pytest.raises(PachonError) as caught:
        read_sky_map_config(values)
    assert isinstance(caught.value, InvalidInputError)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
