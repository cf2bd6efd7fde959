# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
from astropy import units as u
from astropy.table import MaskedColumn, QTable, Table
from astropy.time import Time

from pachon.datastore.testing.formatter_suite import FormatterSuite


def table():
    made = Table(
        {"id": [1, 2, 3], "flux": np.array([1.5, np.nan, 3.0]), "name": ["a", "b c", "é"]},
        meta={"survey": "x", "n": [1, 2]},
    )
    made["flux"].unit = u.nJy
    made["id"].description = "identifier"
    made["flag"] = MaskedColumn([1, 2, 3], mask=[False, True, False])
    made["image"] = np.arange(6).reshape(3, 2)
    return made


def same(found, given):
    return (
        type(found) is type(given)
        and found.colnames == given.colnames
        and dict(found.meta) == dict(given.meta)
        and all(found[n].unit == given[n].unit for n in given.colnames if hasattr(given[n], "unit"))
        and str(found.pformat()) == str(given.pformat())
    )


class TestEcsv(FormatterSuite):
    formatter = "ecsv"
    storage_class = "AstropyTable"
    refuses_cut_files = False  # rows can be missing at the end of a text

    def examples(self):
        return [table(), Table({"a": np.array([], dtype=int)})]

    def is_same(self, found, given):
        return same(found, given)


class TestEcsvQTable(TestEcsv):
    storage_class = "AstropyQTable"

    def examples(self):
        return [QTable({"t": Time(["2025-01-01", "2025-01-02"], scale="tai"), "x": [1, 2] * u.m})]

    def is_same(self, found, given):
        return type(found) is QTable and (found["t"] == given["t"]).all() and (found["x"] == given["x"]).all()


class TestDefects(TestEcsv):
    storage_class = "Defects"
