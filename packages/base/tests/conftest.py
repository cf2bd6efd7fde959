# SPDX-License-Identifier: BSD-3-Clause
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from pachon.base import plugins

# Machines are noisy: time is measured by the benchmarks, not by tests.
settings.register_profile("pachon", deadline=None)
settings.load_profile("pachon")

Installer = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installer]:
    """Install a distribution of one group of entry points and some modules, for this test."""

    def do(name: str, group: str, entries: dict[str, str], modules: dict[str, str] | None = None) -> None:
        site = tmp_path / name
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        lines = "".join(f"{key} = {value}\n" for key, value in entries.items())
        (info / "entry_points.txt").write_text(f"[{group}]\n{lines}\n[other]\nother = other:x\n")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        for module, text in (modules or {}).items():
            path = site.joinpath(*module.split(".")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        monkeypatch.syspath_prepend(str(site))
        plugins.plugin_entries.cache_clear()

    yield do
    plugins.plugin_entries.cache_clear()
