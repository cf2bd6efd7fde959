# SPDX-License-Identifier: BSD-3-Clause
"""One module a schema version, in alembic's form: ``revision``, ``down_revision`` and ``upgrade()``.

The module of version n turns the tables of version n - 1 into those of version n, in a transaction that is open already. On
SQLite foreign keys are off meanwhile and are checked at the end, so that ``op.batch_alter_table`` can make a table anew.
It must not use the tables that the rest of the code describes, for those are of the newest version. Its docstring is the line
that users see.
"""
