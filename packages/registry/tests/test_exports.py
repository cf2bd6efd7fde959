# SPDX-License-Identifier: BSD-3-Clause
import pachon.registry


def test_all_is_what_there_is() -> None:
    assert sorted(pachon.registry.__all__) == list(pachon.registry.__all__)
    for name in pachon.registry.__all__:
        assert getattr(pachon.registry, name) is not None
    assert set(pachon.registry.__all__) <= set(dir(pachon.registry))
