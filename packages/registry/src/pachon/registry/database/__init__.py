# SPDX-License-Identifier: BSD-3-Clause
"""The database: engine, transactions, and what differs between SQLite and PostgreSQL."""
