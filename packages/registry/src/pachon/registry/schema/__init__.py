# SPDX-License-Identifier: BSD-3-Clause
"""The tables of a registry; `docs/formats/registry.md` describes each of them."""
