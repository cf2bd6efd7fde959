# SPDX-License-Identifier: BSD-3-Clause
"""Fuzz the reading of expressions with atheris: no text may raise an error that is not ours, and what is read prints and reads alike.

usage: python tools/fuzz_queries.py -max_total_time=600 [CORPUS_FOLDER]

Atheris is no dependency; install it into the environment. `test_fuzz.py` does a little of this, with hypothesis, in every run.
"""

import sys

import atheris

with atheris.instrument_imports():
    from pachon.base import PachonError
    from pachon.dimensions import DimensionUniverse
    from pachon.registry.query.parser import parse
    from pachon.registry.query.printer import print_expression
    from pachon.registry.query.resolve import resolve
    from pachon.registry.query.scope import Scope

UNIVERSE = DimensionUniverse.default()
SCOPE = Scope(dimensions=UNIVERSE.conform(["exposure", "detector", "visit", "patch"]), dataset_types=("raw",))
WORDS = (
    "instrument", "detector", "exposure.timespan", "visit.region", "patch.cell_x", "raw.run", "seq_num", "AND", "OR", "NOT", "IN",
    "OVERLAPS", "GLOB(", "POINT(", "CIRCLE(", "BOX(", "POLYGON(", "REGION('", "UUID('", "T'2021-01-01'", "NULL", "TRUE", ":b", "'x'",
    "1..5:2", "1.5", "-3", "(", ")", ",", "=", "!=", "<=", "<", "+", "-", "*", "/", "%", ".begin", "\n",
)  # fmt: skip


def one(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    if provider.ConsumeBool():
        text = provider.ConsumeUnicode(200)
    else:
        # Words of the language in any order get further than characters do.
        text = " ".join(
            WORDS[provider.ConsumeIntInRange(0, len(WORDS) - 1)] for _ in range(provider.ConsumeIntInRange(0, 30))
        )
    try:
        tree = parse(text)
    except PachonError as error:
        str(error)
        return
    if tree is not None:
        printed = print_expression(tree)
        assert print_expression(parse(printed)) == printed, text
    try:
        resolve(text, SCOPE, {"b": [1, 2, "x"], "x": 1.5})
    except PachonError as error:
        str(error)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
