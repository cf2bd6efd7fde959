# SPDX-License-Identifier: BSD-3-Clause
from hypothesis import settings

# Machines are noisy: time is measured by the benchmarks, not by tests.
settings.register_profile("pachon", deadline=None)
settings.load_profile("pachon")
