# SPDX-License-Identifier: BSD-3-Clause
"""Settings of `ingest-raws` in the language of task configurations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pachon.pipe_base.config import Config, ConfigOverrider, Source

__all__ = ["IngestRawsConfig", "read_ingest_config"]


class IngestRawsConfig(Config):
    """How raw frames are ingested; options of the command line win."""

    transfer: str = "auto"
    """How files get to their place."""
    failFast: bool = False  # noqa: N815  # LSST's files say it so
    """Whether the first problem ends it all."""


def read_ingest_config(values: Mapping[str, str], files: Iterable[str] = ()) -> IngestRawsConfig:
    """Give the configuration: defaults, then files, then single values, frozen."""
    config = IngestRawsConfig()
    overrider = ConfigOverrider(config)
    for file in files:
        overrider.run_file(file)
    for name, value in values.items():
        overrider.set_value(name, value, Source(text="command line"))
    config.freeze()
    return config
