# SPDX-License-Identifier: BSD-3-Clause
import datetime

import pytest

from pachon.base import ConflictError, InvalidInputError, NotFoundError
from pachon.ctrl_mpexec.collection_plan import CollectionOptions, CollectionState, plan_collections, timestamp

NEW = CollectionState(output_members=None, flattened_inputs=("raws", "calib"))
OLD = CollectionState(
    output_members=("o/2", "o/1", "raws", "calib"), existing_runs=frozenset({"o/2", "o/1", "raws", "calib"})
)


def plan(state, **options):
    return plan_collections(CollectionOptions(**options), state, stamp="T")


def test_first_run_below_a_new_chain():
    made = plan(NEW, output="o", inputs=("defaults",))
    assert (made.output_run, made.search, made.chain) == ("o/T", ("raws", "calib"), ("o/T", "raws", "calib"))


def test_next_run_on_top_of_the_chain():
    made = plan(OLD, output="o")
    assert made.search == ("o/2", "o/1", "raws", "calib")
    assert made.chain == ("o/T", "o/2", "o/1", "raws", "calib")


def test_extend_run_takes_the_first_member():
    made = plan(OLD, output="o", extend_run=True)
    assert made.output_run == "o/2"
    assert made.search == made.chain == ("o/2", "o/1", "raws", "calib")


def test_replace_run_takes_the_first_member_off():
    made = plan(OLD, output="o", replace_run=True)
    assert (made.output_run, made.replaced) == ("o/T", "o/2")
    assert made.search == ("o/1", "raws", "calib")
    assert made.chain == ("o/T", "o/1", "raws", "calib")


def test_a_run_without_a_chain():
    made = plan(NEW, output_run="r", inputs=("defaults",))
    assert (made.output_run, made.search, made.chain) == ("r", ("raws", "calib"), None)


def test_inputs_that_are_a_part_of_the_chain_are_accepted():
    state = CollectionState(output_members=OLD.output_members, flattened_inputs=("raws", "calib"))
    assert plan(state, output="o", inputs=("defaults",)).chain == ("o/T", "o/2", "o/1", "raws", "calib")


def test_rebase():
    state = CollectionState(output_members=("o/1", "raws", "old"), flattened_inputs=("new", "raws"))
    with pytest.raises(ConflictError, match="add --rebase"):
        plan(state, output="o", inputs=("x",))
    assert plan(state, output="o", inputs=("x",), rebase=True).chain == ("o/T", "o/1", "new", "raws", "old")


@pytest.mark.parametrize(
    ("state", "options", "error", "message"),
    [
        (NEW, {}, InvalidInputError, "Say where outputs go"),
        (NEW, {"output": "o", "extend_run": True, "replace_run": True}, InvalidInputError, "exclude each other"),
        (NEW, {"output": "o", "prune_replaced": "purge"}, InvalidInputError, "needs --replace-run"),
        (NEW, {"output": "o", "extend_run": True}, NotFoundError, "does not exist or has no members"),
        (NEW, {"output": "o", "replace_run": True}, NotFoundError, "needs an existing output chain"),
        (OLD, {"output": "o", "output_run": "o/1"}, ConflictError, "add --extend-run"),
        (NEW, {"output": "o", "output_run": "x", "extend_run": True}, NotFoundError, "'x' does not exist"),
        (NEW, {"output_run": "x", "replace_run": True}, InvalidInputError, "needs --output"),
        (NEW, {"output": "o", "output_run": "x", "rebase": True}, InvalidInputError, "must begin with 'o/'"),
        (
            CollectionState(output_members=("raws",), existing_runs=frozenset({"raws"})),
            {"output": "o", "extend_run": True},
            ConflictError,
            "which is no run of it",
        ),
        (
            CollectionState(output_members=("raws",), existing_runs=frozenset({"raws"})),
            {"output": "o", "replace_run": True},
            ConflictError,
            "which is no run of it",
        ),
        (CollectionState(output_members=(), output_is_chain=False), {"output": "o"}, ConflictError, "is no chain"),
    ],
)
def test_refused(state, options, error, message):
    with pytest.raises(error, match=message):
        plan(state, **options)


def test_timestamp():
    assert timestamp(datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)) == "20260102T030405Z"
