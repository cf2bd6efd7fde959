# SPDX-License-Identifier: BSD-3-Clause
"""What exists: collections, dataset types, dimension records, datasets, and the queries over them."""
