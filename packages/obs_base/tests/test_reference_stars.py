# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from pachon.base import ConflictError, FormatError, NotFoundError
from pachon.butler import Butler
from pachon.obs_base.reference_stars import ingest_reference_stars, read_star_table, star_positions


def test_a_dataset_for_each_pixel(butler: Butler) -> None:
    table = Table({"ra": [10.0, 10.01, 250.0], "dec": [20.0, 20.0, -5.0], "g": [15.0, 16.0, 17.0]})
    assert ingest_reference_stars(butler, table, label="mine") == ("refcats/mine", 2)
    # The pixel of (10, 20) deg is known from the specification.
    assert list(butler.get("standard_stars", htm7=257476, collections="refcats/mine")["g"]) == [15.0, 16.0]
    with pytest.raises(ConflictError):
        ingest_reference_stars(butler, table, label="mine")


def test_landolt_stars(nickel_data: Path) -> None:
    table = read_star_table(str(nickel_data / "reference" / "landolt_sa111.ecsv"))
    ra, dec = star_positions(table)
    assert ra[0] == pytest.approx(294.36917, abs=1e-5)
    assert dec[0] == pytest.approx(0.4175, abs=1e-5)


def test_units() -> None:
    table = Table({"ra": [1.0], "dec": [0.5]}, units={"ra": "hourangle", "dec": "rad"})
    ra, dec = star_positions(table)
    assert (ra[0], dec[0]) == pytest.approx((15.0, np.degrees(0.5)))


def test_bad_tables(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no column 'dec'; it has ra, x"):
        star_positions(Table({"ra": [1.0], "x": [1.0]}))
    with pytest.raises(FormatError, match="'ra' of the table of stars holds no angles"):
        star_positions(Table({"ra": ["north"], "dec": [1.0]}))
    with pytest.raises(NotFoundError, match="does not exist"):
        read_star_table(str(tmp_path / "stars.ecsv"))
    (tmp_path / "stars.xyz").write_text("?")
    with pytest.raises(FormatError, match="is no table"):
        read_star_table(str(tmp_path / "stars.xyz"))
