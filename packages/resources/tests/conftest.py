# SPDX-License-Identifier: BSD-3-Clause
import sys

import pytest

if "pachon.resources.testing" not in sys.modules:  # the doctests of the source may have come first
    pytest.register_assert_rewrite("pachon.resources.testing")
