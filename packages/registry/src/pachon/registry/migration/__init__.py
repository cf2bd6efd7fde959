# SPDX-License-Identifier: BSD-3-Clause
"""Changing a registry that is in use: newer tables, another version of its universe, another database.

Only `butler migrate` and `butler move-database` import this; it needs alembic.
"""
