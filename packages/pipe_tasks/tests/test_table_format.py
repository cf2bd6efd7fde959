# SPDX-License-Identifier: BSD-3-Clause
import astropy.units as u
from astropy.table import Table

from pachon.pipe_tasks.table_format import set_formats


def test_digits_are_shown_by_unit_and_kept_in_the_values(tmp_path):
    table = Table({"n": [1], "ra": [1.23456789012] * u.deg, "flux": [1234.56789] * u.electron})
    set_formats(table)
    assert table.pformat()[-1].split() == ["1", "1.234568", "1234.57"]
    table.write(tmp_path / "t.ecsv", format="ascii.ecsv")
    assert table["ra"][0] == 1.23456789012
