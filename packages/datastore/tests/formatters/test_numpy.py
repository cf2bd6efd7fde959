# SPDX-License-Identifier: BSD-3-Clause
import numpy as np

from pachon.datastore.testing.formatter_suite import FormatterSuite


class TestNumpy(FormatterSuite):
    formatter = "numpy"
    storage_class = "NumpyArray"
    unwritable = (np.array([object()]),)

    def examples(self):
        return [
            np.arange(12, dtype=np.float32).reshape(3, 4),
            np.asfortranarray(np.arange(6).reshape(2, 3)),
            np.array(["a", "bcd"]),
            np.zeros(2, dtype=[("a", "f8"), ("b", "U3")]),
            np.array(3.5),
        ]

    def is_same(self, found, given):
        return found.dtype == given.dtype and np.array_equal(found, given)
