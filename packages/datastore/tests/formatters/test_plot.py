# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.base import InvalidInputError
from pachon.datastore.testing.formatter_suite import FormatterSuite

PNG = b"\x89PNG\r\n\x1a\n"


def figure():
    from matplotlib.figure import Figure

    made = Figure(figsize=(2, 1))
    made.add_subplot().plot([1, 2, 3])
    return made


class TestPlot(FormatterSuite):
    formatter = "plot"
    storage_class = "Plot"
    refuses_garbage = False
    refuses_cut_files = False
    unwritable = ("no figure", 3)

    def examples(self):
        return [figure()]

    def is_same(self, found, given):
        return found.startswith(PNG)

    def test_dpi(self, tmp_path, example_data, ref):
        entry = {"formatter": "plot", "parameters": {"dpi": 300}}
        large = self.open(tmp_path, example_data, formatters={"Plot": entry}).write_many([(figure(), ref)])
        small = self.open(tmp_path, example_data).write_many([(figure(), ref)])
        assert large.row(0).size > small.row(0).size

    def test_the_same_figure_is_the_same_file(self, datastore, ref):
        checksums = {datastore.write_many([(figure(), ref)]).row(0).checksum for _ in range(2)}
        assert len(checksums) == 1

    def test_it_reads_as_bytes_only(self, datastore, ref):
        written = datastore.write_many([(figure(), ref)])
        assert datastore.get(ref, records=written, storage_class="Bytes").startswith(PNG)
        with pytest.raises(InvalidInputError):
            datastore.get(ref, records=written, storage_class="NumpyArray")
