# SPDX-License-Identifier: BSD-3-Clause
"""Sky maps: tracts and patches."""
