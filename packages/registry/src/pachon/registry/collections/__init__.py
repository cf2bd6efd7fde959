# SPDX-License-Identifier: BSD-3-Clause
"""Collections: registration, chains, tags, certified calibrations, listing and removal."""
