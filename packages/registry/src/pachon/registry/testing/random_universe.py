# SPDX-License-Identifier: BSD-3-Clause
"""Universes that chance makes: whatever names, dependencies, regions and times there are, a query must work."""

from __future__ import annotations

import random
from typing import Any

from pachon.dimensions import DimensionUniverse

__all__ = ["random_universe"]

_TYPES = ("int", "string", "float", "bool")


def random_universe(rng: random.Random) -> DimensionUniverse:
    """Make up a universe of one or two governors, a few dimensions below and beside them, and a combination."""
    elements: dict[str, Any] = {}
    governors = [f"gov{i}" for i in range(rng.randint(1, 2))]
    for name in governors:
        elements[name] = {"governor": True, "keys": [_string("name")], "metadata": _metadata(rng, name)}
    dimensions: list[str] = []
    for number in range(rng.randint(2, 4)):
        name = f"dim{number}"
        # A dimension may belong to no governor at all.
        requires = [rng.choice(governors)] if rng.random() < 0.7 else []
        lower = [d for d in dimensions if set(elements[d]["requires"]) <= set(requires)]
        if lower and rng.random() < 0.3:
            requires = [*requires, rng.choice(lower)]
        implies = [d for d in lower if d not in requires and rng.random() < 0.3]
        keys = [rng.choice([{"name": "id", "type": "int"}, _string("name")])]
        if rng.random() < 0.3:
            keys.append(_string("label"))
        elements[name] = {"requires": requires, "implies": implies, "keys": keys, "metadata": _metadata(rng, name)}
        dimensions.append(name)
    if rng.random() < 0.5:
        elements["colour"] = {"keys": [_string("name")], "implied_union_target": dimensions[0]}
        elements[dimensions[0]]["implies"] = [*elements[dimensions[0]]["implies"], "colour"]
    joined = rng.sample(dimensions, 2)
    if not any(one in _closure(elements, other) for one, other in (joined, joined[::-1])):
        elements["pair"] = {"requires": joined, "always_join": rng.random() < 0.6, "metadata": _metadata(rng, "pair")}
    members = rng.sample(list(elements), len(elements))
    members = [name for name in members if "implied_union_target" not in elements[name]]
    spatial, temporal = members[: rng.randint(0, 2)], rng.sample(members, rng.randint(0, 2))
    return DimensionUniverse.from_document(
        {
            "version": 1,
            "namespace": "chance",
            "skypix": {"common": "htm5", "htm": {"class": "lsst.sphgeom.HtmPixelization", "max_level": 6}},
            "elements": elements,
            "topology": {
                "spatial": {f"area{i}": [name] for i, name in enumerate(spatial)},
                "temporal": {f"span{i}": [name] for i, name in enumerate(temporal)},
            },
        }
    )


def _closure(elements: dict[str, Any], name: str) -> set[str]:
    element = elements[name]
    below = [*element.get("requires", ()), *element.get("implies", ())]
    return {name}.union(*(_closure(elements, other) for other in below))


def _string(name: str) -> dict[str, Any]:
    return {"name": name, "type": "string", "length": 16}


def _metadata(rng: random.Random, owner: str) -> list[dict[str, Any]]:
    # Some names are those of fields of other elements, too.
    names = rng.sample(["size", "note", f"{owner}_mass", "good"], rng.randint(0, 3))
    return [{**_string(name), "type": rng.choice(_TYPES)} for name in names]
