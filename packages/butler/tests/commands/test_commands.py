# SPDX-License-Identifier: BSD-3-Clause
"""The commands as a user calls them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from pachon.base import PachonError
from pachon.base.testing import run_command
from pachon.butler import Butler, UnstoredDatasetsError
from pachon.butler.program import program
from pachon.datasets import CollectionType, DatasetType
from pachon.dimensions import Timespan

Run = Callable[..., Result]

CAM = "instrument = 'Cam'"


@pytest.fixture
def run(repository: Path) -> Run:
    """Run a command; REPO stands for the repository."""

    def call(*arguments: str, fails: bool = False) -> Result:
        given = [str(repository) if argument == "REPO" else argument for argument in arguments]
        result = CliRunner().invoke(program, given)
        if fails:
            assert result.exit_code != 0
        elif result.exception is not None:
            raise result.exception
        return result

    return call


@pytest.fixture
def filled(butler: Butler) -> Butler:
    butler.put_many([({"e": e, "d": d}, "raw", {"exposure": e, "detector": d}) for e in (1, 2) for d in (0, 1)])
    butler.put({"n": 1}, "note", run="other")
    butler.put({"n": 2}, "gain", detector=1, run="other")
    butler.collections.register("chain", CollectionType.CHAINED)
    butler.collections.set_chain("chain", ["run", "other"])
    return butler


def rows(result: Result) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(result.stdout)
    return found


def lines(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines() if line.strip()]


def test_create(run: Run, tmp_path: Path) -> None:
    assert "Created a repository" in run("create", str(tmp_path / "new")).stdout
    assert "already" in str(run("create", str(tmp_path / "new"), fails=True).exception)
    run("create", str(tmp_path / "full"), "--standalone")
    assert "verify_checksum: false" in (tmp_path / "full" / "butler.yaml").read_text()
    made = run("create", str(tmp_path / "there"), "-f", str(tmp_path / "here.yaml")).stdout
    assert f"Its configuration is {tmp_path}/here.yaml: name that" in made
    assert "root:" in (tmp_path / "here.yaml").read_text()
    assert run("query-collections", str(tmp_path / "here.yaml")).stderr == "No results. There are no collections.\n"
    seed = tmp_path / "seed.yaml"
    seed.write_text("datastore: {checksum: false}\n")
    run("create", str(tmp_path / "seeded"), "--seed-config", str(seed))
    assert "checksum: false" in (tmp_path / "seeded" / "butler.yaml").read_text()


def test_options_file(run: Run, filled: Butler, tmp_path: Path) -> None:
    options = tmp_path / "options.yaml"
    options.write_text("query-datasets:\n  where: exposure = 1 AND instrument = 'Cam'\n  format: json\n")
    assert len(rows(run("query-datasets", "REPO", "raw", "-@", str(options)))) == 2
    assert (
        len(
            rows(
                run(
                    "query-datasets",
                    "REPO",
                    "raw",
                    "-@",
                    str(options),
                    "--where",
                    "detector = 0 AND instrument = 'Cam'",
                )
            )
        )
        == 2
    )


def test_dataset_types(run: Run, butler: Butler) -> None:
    register = ("register-dataset-type", "REPO", "flat", "StructuredDataDict", "detector,physical_filter")
    assert "successfully registered" in run(*register, "--is-calibration").stdout
    assert "identical form" in run(*register, "--is-calibration").stdout
    assert isinstance(run(*register, fails=True).exception, PachonError)
    assert isinstance(run("register-dataset-type", "REPO", "x", "Nope", fails=True).exception, PachonError)
    assert isinstance(run("register-dataset-type", "REPO", "x.y", "int", fails=True).exception, PachonError)
    assert butler.dataset_types.get("flat").is_calibration
    shown = lines(run("query-dataset-types", "REPO", "f*", "-v"))
    assert shown[0] == ["name", "dimensions", "storage", "class"]
    assert [line[0] for line in shown[2:]] == ["flat", "flat_measurement"]
    assert rows(run("query-dataset-types", "REPO", "flat", "-v", "--json")) == [
        {
            "name": "flat",
            "dimensions": ["band", "instrument", "detector", "physical_filter"],
            "storage class": "StructuredDataDict",
            "is_calibration": True,
        }
    ]
    csv = run("query-dataset-types", "REPO", "raw", "-v", "--format", "csv").stdout.splitlines()
    assert (csv[0].split(",")[-1], csv[1].split(",")[-1]) == ("is_calibration", "False")
    assert run("query-dataset-types", "REPO", "nope").stderr.startswith("No results")
    assert "Removed flat" in run("remove-dataset-type", "REPO", "flat").stdout
    assert run("remove-dataset-type", "REPO", "gian").stdout.endswith("nothing was removed. Did you mean 'gain'?\n")
    butler.put({}, "note")
    assert isinstance(run("remove-dataset-type", "REPO", "note", fails=True).exception, PachonError)
    assert [row["name"] for row in rows(run("query-dataset-types", "REPO", "--collections", "run", "--json"))] == [
        "note"
    ]


def test_query_collections(run: Run, filled: Butler) -> None:
    assert [line[0] for line in lines(run("query-collections", "REPO", "chain"))[2:]] == ["chain", "run", "other"]
    assert "  run" in run("query-collections", "REPO", "chain").stdout
    table = rows(run("query-collections", "REPO", "--chains", "TABLE", "--json"))
    assert table[0] == {"Name": "chain", "Type": "CHAINED", "Children": ["run", "other"]}
    runs = rows(run("query-collections", "REPO", "--collection-type", "run", "--chains", "no-children", "-t", "--json"))
    assert runs == [
        {"Name": "other", "Type": "RUN", "Dataset Types": ["gain", "note"]},
        {"Name": "run", "Type": "RUN", "Dataset Types": ["raw"]},
    ]
    assert run("query-collections", "REPO", "nope*").stderr.startswith("No results")
    assert isinstance(run("query-collections", "REPO", "--collection-type", "x", fails=True).exception, PachonError)
    assert run("query-collections", "REPO", "--chains", "x", fails=True).exit_code == 2


def test_query_datasets(run: Run, filled: Butler) -> None:
    result = run("query-datasets", "REPO")
    assert result.stdout.startswith("\n")
    headers = [line for line in lines(result) if line[0] == "type"]
    assert headers[0] == ["type", "run", "id", "instrument", "detector"]
    assert len(headers) == 3
    found = rows(run("query-datasets", "REPO", "raw", "--collections", "run", "--json"))
    assert [(row["detector"], row["exposure"]) for row in found] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert list(found[0])[:3] == ["type", "run", "id"]
    with_uri = rows(run("query-datasets", "REPO", "note", "--show-uri", "--json"))
    assert str(with_uri[0]["URI"]).startswith("file://")
    limited = run("query-datasets", "REPO", "raw", "--limit", "-3", "--json")
    assert len(rows(limited)) == 3
    assert "more than 3" in limited.stderr
    ordered = run("query-datasets", "REPO", "raw", "--order-by", "-exposure,detector", "--json")
    assert [row["exposure"] for row in rows(ordered)] == [2, 2, 1, 1]
    assert len(rows(run("query-datasets", "REPO", "--collections", "chain", "--find-first", "--json"))) == 6
    assert "Did you mean 'raw'" in run("query-datasets", "REPO", "rawq").stderr
    assert "exposure" in run("query-datasets", "REPO", "raw", "--where", "exposure = 4 AND instrument = 'Cam'").stderr
    assert "SQL:" in run("query-datasets", "REPO", "raw", "--explain").stderr
    csv = run("query-datasets", "REPO", "note", "--format", "csv").stdout
    assert csv.splitlines()[0] == "type,run,id"
    for bad in (("--where", "exposure ="), ("--collections", "nope"), ("--order-by", "x")):
        assert isinstance(run("query-datasets", "REPO", "raw", *bad, fails=True).exception, PachonError)


def test_query_data_ids_and_records(run: Run, filled: Butler) -> None:
    found = rows(run("query-data-ids", "REPO", "exposure", "--datasets", "raw", "--collections", "run", "--json"))
    assert {row["exposure"] for row in found} == {1, 2}
    common = rows(run("query-data-ids", "REPO", "--datasets", "raw", "--json"))
    assert len(common) == 4
    assert len(rows(run("query-data-ids", "REPO", "detector", "--json"))) == 4
    nothing = run("query-data-ids", "REPO", "detector", "--where", "detector = 77 AND instrument = 'Cam'")
    assert "detector" in nothing.stderr
    assert run("query-data-ids", "REPO", "detector", "--offset", "1", fails=True).exit_code == 2
    assert isinstance(run("query-data-ids", "REPO", fails=True).exception, PachonError)
    records = rows(run("query-dimension-records", "REPO", "exposure", "--json"))
    assert [row["id"] for row in records] == [1, 2, 3, 4]
    assert str(records[0]["timespan (TAI)"]).startswith("[2026-01-01T01:00:00")
    assert records[0]["tracking_ra"] is None
    assert len(rows(run("query-dimension-records", "REPO", "detector", "--datasets", "gain", "--json"))) == 1
    assert "Did you mean 'exposure'" in str(run("query-dimension-records", "REPO", "exposur", fails=True).exception)
    assert len(lines(run("query-dimension-records", "REPO", "instrument"))) == 3


def test_collection_chain(run: Run, filled: Butler) -> None:
    assert run("collection-chain", "REPO", "chain", "other,run").stdout == "[other, run]\n"
    assert run("collection-chain", "REPO", "new", "chain", "--flatten", "--doc", "x").stdout == "[other, run]\n"
    assert run("collection-chain", "REPO", "new", "--mode", "pop").stdout == "[run]\n"
    assert run("collection-chain", "REPO", "new", "other", "--mode", "prepend").stdout == "[other, run]\n"
    assert run("collection-chain", "REPO", "new", "--mode", "pop", "--", "-1").stdout == "[other]\n"
    assert isinstance(run("collection-chain", "REPO", "new", "new", fails=True).exception, PachonError)
    assert "no collection 'rum'" in str(run("collection-chain", "REPO", "newer", "rum", fails=True).exception)
    assert "newer" not in filled.collections.query()


def test_associate_and_certify(run: Run, filled: Butler) -> None:
    assert (
        "Associated 2 datasets"
        in run(
            "associate", "REPO", "tag", "-d", "raw", "--where", f"exposure=1 AND {CAM}", "--collections", "run"
        ).stdout
    )
    assert len(filled.query_datasets("raw", collections="tag")) == 2
    assert "-d '*' takes all" in str(run("associate", "REPO", "tag2", fails=True).output)
    assert "no dataset type 'rw'" in str(run("associate", "REPO", "tag2", "-d", "rw", fails=True).exception)
    assert "tag2" not in filled.collections.query()
    filled.put_many([({"n": n}, "bias", {"detector": n}) for n in (0, 1)], run="calib/a")
    filled.collections.register("calib/all", CollectionType.CHAINED)
    filled.collections.set_chain("calib/all", ["calib/a", "other"])
    certify = (
        "certify-calibrations",
        "REPO",
        "calib/all",
        "calib",
        "bias",
        "--begin-date",
        "2026-01-01",
        "--end-date",
        "2026-01-02",
    )
    assert "Certified 2 datasets" in run(*certify).stdout
    assert filled.get("bias", detector=0, exposure=1, collections="calib") == {"n": 0}
    assert filled.find_dataset("bias", detector=0, exposure=3, collections="calib") is None
    assert isinstance(run(*certify, fails=True).exception, PachonError)
    assert isinstance(run("certify-calibrations", "REPO", "run", "c2", "bias", fails=True).exception, PachonError)
    assert isinstance(
        run("certify-calibrations", "REPO", "run", "c2", "bias", "--begin-date", "soon", fails=True).exception,
        PachonError,
    )
    backwards = (*certify[:3], "c2", "bias", "--begin-date", "2026-01-02", "--end-date", "2026-01-01")
    assert "empty time span" in str(run(*backwards, fails=True).exception)
    assert "c2" not in filled.collections.query()


class TestPrune:
    """The state machine of prune-datasets."""

    def test_dry_run(self, run: Run, filled: Butler) -> None:
        result = run("prune-datasets", "REPO", "run", "--unstore", "--dry-run", "--where", f"exposure = 1 AND {CAM}")
        assert "would be unstored" in result.stdout
        assert len(lines(result)) == 5
        assert all(filled.exists(ref) for ref in filled.query_datasets("raw"))

    def test_unstore(self, run: Run, filled: Butler) -> None:
        result = run("prune-datasets", "REPO", "run", "--unstore", "--no-confirm", "--datasets", "raw")
        assert "The datasets were unstored." in result.stdout
        assert not any(filled.exists(ref) for ref in filled.query_datasets("raw"))
        assert len(filled.query_datasets("raw")) == 4

    def test_unstore_what_is_not_stored(self, run: Run, filled: Butler) -> None:
        filled.prune(list(filled.query_datasets("raw", where=f"exposure = 1 AND {CAM}")))
        found, total = len(filled.query_datasets("raw", where=f"exposure = 1 AND {CAM}")), 4
        command = ("prune-datasets", "REPO", "run", "--unstore", "--no-confirm", "--datasets", "raw")
        result = run(*command)
        assert sum(line[0] == "raw" for line in lines(result) if line) == total - found
        assert f"{found} dataset{'s' if found > 1 else ''} that w" in result.stdout
        assert not any(filled.exists(ref) for ref in filled.query_datasets("raw"))
        assert run(*command).stdout == (
            "Did not find any datasets to remove. 4 datasets that were found are not stored, and left out.\n"
        )
        # They can be removed all the same, and are shown then.
        purged = run("prune-datasets", "REPO", "--purge", "run", "--no-confirm", "--datasets", "raw")
        assert sum(line[0] == "raw" for line in lines(purged) if line) == total

    def test_purge(self, run: Run, filled: Butler) -> None:
        refused = run("prune-datasets", "REPO", "chain", "--purge", "run", "--no-confirm", fails=True)
        assert "--all-runs" in str(refused.exception)
        assert run("prune-datasets", "REPO", "--purge", "run", "--quiet").stdout == ""
        assert filled.query_all_datasets("run").first() is None
        run("prune-datasets", "REPO", "chain", "--purge", "run", "--all-runs", "--no-confirm")
        assert filled.query_all_datasets("*").first() is None
        assert "Did not find any datasets" in run("prune-datasets", "REPO", "--purge", "run").stdout
        assert "needs a RUN" in str(run("prune-datasets", "REPO", "--purge", "chain", fails=True).exception)

    def test_mistakes_are_told(self, run: Run, filled: Butler) -> None:
        refused = run("prune-datasets", "REPO", "ru*", "--unstore", "--no-confirm", fails=True)
        assert "give names, or --find-all" in str(refused.exception)
        refused = run("prune-datasets", "REPO", "run", "--unstore", "--no-confirm", "--datasets", "rwa", fails=True)
        assert "Did you mean 'raw'?" in str(refused.exception)

    def test_disassociate(self, run: Run, filled: Butler) -> None:
        run("associate", "REPO", "tag", "-d", "raw", "--collections", "run")
        run("prune-datasets", "REPO", "--disassociate", "tag", "--no-confirm", "--where", f"exposure = 1 AND {CAM}")
        assert len(filled.query_datasets("raw", collections="tag")) == 2
        assert len(filled.query_datasets("raw")) == 4

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("run",), "Say what is to be done"),
            (("run", "--quiet", "--dry-run", "--unstore"), "--quiet and --dry-run"),
            (("run", "--purge", "run", "--disassociate", "t"), "--disassociate cannot be given"),
            (("--unstore",), "Say in which collections"),
            (("run", "--unstore"), "not a terminal"),
        ],
    )
    def test_options_must_go_together(self, run: Run, filled: Butler, options: tuple[str, ...], message: str) -> None:
        assert message in str(run("prune-datasets", "REPO", *options, fails=True).exception)
        assert len(filled.query_datasets("raw")) == 4


def test_remove_runs(run: Run, filled: Butler) -> None:
    assert "would be removed" in run("remove-runs", "REPO", "*", "--dry-run").stdout
    refused = run("remove-runs", "REPO", "run", "--no-confirm", fails=True)
    assert "--force" in str(refused.exception)
    assert str(refused.exception).startswith("Chains hold ")
    assert "not a terminal" in str(run("remove-runs", "REPO", "run", fails=True).exception)
    result = run("remove-runs", "REPO", "run", "--no-confirm", "--force")
    assert ["run", "raw", "4"] in lines(result)
    assert filled.collections.query() == ["chain", "other"]
    assert filled.collections.get("chain").children == ("other",)
    assert "No RUN collection matches" in run("remove-runs", "REPO", "nope*").stdout
    assert (
        "'butler remove-collections' removes those that are no RUN: chain (CHAINED)."
        in run("remove-runs", "REPO", "chain").stdout
    )


def test_remove_collections(run: Run, filled: Butler) -> None:
    filled.collections.register("low", CollectionType.CHAINED)
    filled.collections.register("top", CollectionType.CHAINED)
    filled.collections.set_chain("top", ["low"])
    filled.collections.register("tag", CollectionType.TAGGED)
    result = run("remove-collections", "REPO", "*", "--dry-run")
    assert result.stdout.startswith("These would be removed:\n")
    assert "RUN collections are not removed" in result.stdout
    assert ["low", "top"] in lines(result)
    assert isinstance(run("remove-collections", "REPO", "low", "--no-confirm", fails=True).exception, PachonError)
    run("remove-collections", "REPO", "low", "--no-confirm", "--remove-from-parents")
    assert "Removed 3 collections" in run("remove-collections", "REPO", "*", "--no-confirm").stdout
    assert filled.collections.query() == ["other", "run"]
    assert "No collections" in run("remove-collections", "REPO", "nope*").stdout


def test_retrieve_artifacts(run: Run, filled: Butler, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("retrieve-artifacts", "REPO", str(out), "-d", "raw", "--collections", "run", "-v")
    assert "Number of artifacts retrieved" in result.stdout
    assert len(list(out.rglob("raw_*.yaml"))) == 4
    assert result.stdout.count("file://") == 4
    index = json.loads((out / "butler-artifacts.json").read_text())
    assert len(index["files"]) == 4
    again = run("retrieve-artifacts", "REPO", str(out), "-d", "raw", fails=True).exception
    assert getattr(again, "__notes__", None) == ["overwrite=True replaces files."]
    run("retrieve-artifacts", "REPO", str(out), "-d", "raw", "--clobber")
    flat = tmp_path / "flat"
    run("retrieve-artifacts", "REPO", str(flat), "--no-preserve-path", "-t", "symlink")
    assert len([path for path in flat.iterdir() if path.is_symlink()]) == 6
    assert isinstance(run("retrieve-artifacts", "REPO", str(flat), "-t", "move", fails=True).exception, PachonError)


def test_retrieve_artifacts_that_are_not_all_stored(run: Run, filled: Butler, tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled.prune(list(filled.query_datasets("raw", where=f"exposure = 1 AND {CAM}")))
    stored = sum(map(bool, (filled.exists(ref) for ref in filled.query_datasets("raw"))))
    command = ("retrieve-artifacts", "REPO", str(out), "-d", "raw", "--collections", "run")
    refused = run(*command, fails=True).exception
    assert isinstance(refused, UnstoredDatasetsError)
    assert str(refused).startswith(f"{4 - stored} of 4 datasets cannot be retrieved")
    assert not out.exists()
    shown = run_command(program, *command[:1], str(filled.root.ospath), *command[2:]).stderr
    assert shown.endswith("nothing was copied. Say --skip-unstored to leave them out.\n")
    assert f": {stored}\n" in run(*command, "--skip-unstored").stdout
    index = json.loads((out / "butler-artifacts.json").read_text())
    assert len(index["files"]) == stored == len(list(out.rglob("raw_*.yaml")))


def test_ingest_files(run: Run, butler: Butler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for n in range(3):
        (tmp_path / f"f{n}.yaml").write_text(f"n: {n}\n")
    table = tmp_path / "table.csv"
    table.write_text("file,detector\nf0.yaml,0\nf1.yaml,1\nf1.yaml,2\n")
    base = ("ingest-files", "REPO", "gain", "in/run", str(table), "--data-id", "instrument=Cam", "-t", "copy")
    assert "Ingested 3 datasets from 2 files" in run(*base).stdout
    assert butler.get("gain", detector=2, collections="in/run") == {"n": 1}
    assert isinstance(run(*base, fails=True).exception, PachonError)
    fixed = ("ingest-files", "REPO", "gain", "fixed", str(table), "--data-id", "instrument=Cam", "-t", "direct")
    run(*fixed, "--id-generation-mode", "DATAID_TYPE_RUN", "--prefix", str(tmp_path), "--no-track-file-attrs")
    found = butler.find_dataset("gain", detector=0, collections="fixed")
    assert found is not None
    assert found.id.version == 5
    assert butler.datastore_records([found]).row(0).size is None
    for text, message in (
        ("file,nope\nf0.yaml,1\n", "'nope'.*no dimension"),
        ("file,detector\nf0.yaml,1\nf1.yaml,D2\n", "^Row 2 of .*: detector is a number, not 'D2'.* full_name instead"),
        ("file,detector\n", "no rows"),
        ("file,detector\nmissing.yaml,0\n", "missing.yaml"),
        ("file,detector\nf0.yaml,0\n,1\n", "^Row 2 of .* names no file: its column 'file' is empty"),
        ("file,detector\nf0.yaml,0\nf1.yaml,1,7\n", "^Row 2 of .* more or fewer cells than the header: this names 2"),
    ):
        table.write_text(text)
        other = ("ingest-files", "REPO", "gain", "bad", str(table), "--data-id", "instrument=Cam")
        with pytest.raises(PachonError, match=message):
            run(*other)
    guessed = tmp_path / "table.txt"
    for text in ("file,detector\nf0.yaml,0\nf1.yaml,1,7\n", "file detector\nf0.yaml 0\nf1.yaml  1 7\n"):
        guessed.write_text(text)
        with pytest.raises(
            PachonError, match=r"^Row 2 of .* cells than the header: this names 2 columns. The row has 3."
        ):
            run("ingest-files", "REPO", "gain", "bad", str(guessed), "--data-id", "instrument=Cam")
    guessed.write_text("file detector\n'a b.yaml' 0\n")
    with pytest.raises(PachonError, match=r"a b\.yaml"):
        run("ingest-files", "REPO", "gain", "bad", str(guessed), "--data-id", "instrument=Cam")
    (tmp_path / "no.fits").write_text("SIMPLE")
    with pytest.raises(PachonError, match=r"no table that astropy can read|no rows"):
        run("ingest-files", "REPO", "gain", "bad", str(tmp_path / "no.fits"))
    with pytest.raises(PachonError, match="does not exist"):
        run("ingest-files", "REPO", "gain", "bad", str(tmp_path / "none.csv"))
    assert run("ingest-files", "REPO", "gain", "bad", str(table), "--data-id", "instrument", fails=True).exit_code == 2
    assert "bad" not in butler.collections.query()


def test_config_dump(run: Run, repository: Path, tmp_path: Path) -> None:
    assert "verify_checksum: false" in run("config-dump", "REPO").stdout
    assert run("config-dump", "REPO", "-s", ".datastore.root").stdout == "datastore.root: <butlerRoot>\n"
    assert "name: file" in run("config-dump", "REPO", "-s", "/datastore").stdout
    assert run("config-dump", "REPO", "-s", "datastore.root").stdout == "datastore.root: <butlerRoot>\n"
    assert "There is no 'nix'; at the top there are pachon," in str(
        run("config-dump", "REPO", "-s", "nix", fails=True).exception
    )
    assert "; in 'datastore' there are type," in str(
        run("config-dump", "REPO", "-s", "datastore.x", fails=True).exception
    )
    origins = run("config-dump", "REPO", "--origin").stdout
    assert f"datastore.root: <butlerRoot>  ({repository / 'butler.yaml'})" in origins.replace("file://", "")
    assert "datastore.checksum: true  (default)" in origins
    run("config-dump", "REPO", "--file", str(tmp_path / "dump.yaml"))
    assert (tmp_path / "dump.yaml").read_text().startswith("pachon: 1")
    assert "Did you mean 'datastore'" in str(run("config-dump", "REPO", "-s", ".datastor", fails=True).exception)


def test_config_dump_hides_a_password(run: Run, tmp_path: Path) -> None:
    (tmp_path / "butler.yaml").write_text("pachon: 1\ndatabase: {url: 'postgresql://me:secret@db/x'}\n")
    for options in ((), ("--origin",), ("-s", ".database.url")):
        text = run("config-dump", str(tmp_path), *options).stdout
        assert "me:***@db/x" in text
        assert "secret" not in text


def test_empty_trash(run: Run, filled: Butler) -> None:
    filled.trash(list(filled.query_datasets("raw")))
    assert "Would remove 4 files" in run("empty-trash", "REPO", "--dry-run").stdout
    assert run("empty-trash", "REPO", "-v").stdout.count("file://") == 4
    assert "Removed 0 files" in run("empty-trash", "REPO").stdout


def test_transfer_from_graph(run: Run, butler: Butler, tmp_path: Path) -> None:
    from pachon.quantum_butler import DatastoreSource, QuantumBackedButler
    from pachon.quantum_butler.testing import example_graph

    document = butler.datastore_document()
    graph = example_graph(datastore=DatastoreSource(config=document, root=document["root"]))
    path = str(tmp_path / "g.qg")
    graph.write(path)
    butler.collections.register("CAM/raw")
    butler.collections.register("CAM/bias")
    insert = butler.dimension_records.insert
    insert("skymap", [{"name": "sky", "hash": b"\0\1"}])
    insert("tract", [{"skymap": "sky", "id": 1}])
    insert("patch", [{"skymap": "sky", "tract": 1, "id": n, "cell_x": n, "cell_y": 0} for n in range(2)])
    with QuantumBackedButler.open(path) as job:
        job.put({"a": 1}, job.graph.init_quantum("").init_outputs["packages"])
    command = ("transfer-from-graph", path, "REPO", "--register-dataset-types", "-d", "packages")
    assert (
        "that would be transferred: 1" in run("transfer-from-graph", path, "REPO", "-d", "packages", "--dry-run").stdout
    )
    assert run(*command, "--update-output-chain").stdout == "Number of datasets transferred: 1\n"
    assert butler.get("packages", collections="u/someone") == {"a": 1}
    assert run(*command).stdout == "Number of datasets transferred: 0\n"


def test_version(run: Run) -> None:
    assert "pachon-butler" in {row["package"] for row in rows(run("version", "--json"))}


def test_no_repository(run: Run, tmp_path: Path) -> None:
    for command in ("query-collections", "query-datasets", "config-dump", "empty-trash"):
        error = run(command, str(tmp_path / "none"), fails=True).exception
        assert "There is no repository at" in str(error)
    swapped = run("transfer-from-graph", str(tmp_path), "jobs.qg", fails=True).exception
    assert "named as a quantum graph; --help says which argument comes first" in str(swapped)


def test_query_calibrations(run: Run, butler: Butler, tmp_path: Path) -> None:
    refs = [butler.put({"n": n}, "bias", detector=0, run=f"calib/{n}") for n in (1, 2)]
    butler.collections.register("calib", CollectionType.CALIBRATION)
    butler.collections.register("best", CollectionType.CHAINED)
    butler.collections.set_chain("best", ["calib/1", "calib"])
    butler.collections.certify("calib", refs[:1], Timespan(None, "2026-01-01"))
    butler.collections.certify("calib", refs[1:], Timespan("2026-01-02", "2026-02-01"))
    found = rows(run("query-calibrations", "REPO", "--json"))
    assert [(row["detector"], row["begin (TAI)"], row["run"]) for row in found] == [
        (0, None, "calib/1"),
        (0, "2026-01-02T00:00:00", "calib/2"),
    ]
    assert found[1]["id"] == str(refs[1].id)
    with_gaps = rows(run("query-calibrations", "REPO", "b*", "--collections", "best", "--gaps", "--json"))
    assert [row["run"] for row in with_gaps] == ["calib/1", None, "calib/2"]
    assert with_gaps[1]["begin (TAI)"] == "2026-01-01T00:00:00"
    assert with_gaps[1]["end (TAI)"] == with_gaps[2]["begin (TAI)"]
    (tmp_path / "where.txt").write_text(f"{CAM} AND exposure = 3\n")
    at = rows(run("query-calibrations", "REPO", "--where", f"@{tmp_path}/where.txt", "--json"))
    assert [row["run"] for row in at] == ["calib/2"]
    head = lines(run("query-calibrations", "REPO"))[0]
    assert head[:4] == ["type", "collection", "instrument", "detector"]
    assert "detector 77" in run("query-calibrations", "REPO", "--where", f"{CAM} AND detector = 77").stderr
    assert "Did you mean 'bias'" in run("query-calibrations", "REPO", "bais").stderr
    assert "CALIBRATION" in run("query-calibrations", "REPO", "--collections", "calib/1").stderr
    assert "SQL:" in run("query-calibrations", "REPO", "--explain").stderr


QUERY_COMMANDS = {
    "datasets": ("query-datasets", "REPO", "raw"),
    "datasets of several types": ("query-datasets", "REPO", "raw", "gain", "note", "--show-uri"),
    "no datasets": ("query-datasets", "REPO", "raw", "--where", f"{CAM} AND exposure = 77"),
    "data IDs": ("query-data-ids", "REPO", "exposure", "detector"),
    "no data IDs": ("query-data-ids", "REPO", "exposure", "--where", f"{CAM} AND exposure = 77"),
    "records": ("query-dimension-records", "REPO", "exposure"),
    "records with regions": ("query-dimension-records", "REPO", "visit"),
    "collections": ("query-collections", "REPO", "--chains", "table", "-t"),
    "no collections": ("query-collections", "REPO", "nope*"),
    "dataset types": ("query-dataset-types", "REPO", "-v"),
    "no dataset types": ("query-dataset-types", "REPO", "nope*"),
    "calibrations": ("query-calibrations", "REPO", "--gaps"),
}


@pytest.mark.parametrize("name", QUERY_COMMANDS)
def test_what_a_query_command_writes_can_be_read(run: Run, filled: Butler, name: str) -> None:
    """Each format says the same as JSON, which has numbers, texts, truth values, nulls and lists."""
    import csv
    import io

    import pyarrow.ipc
    from astropy.table import Table

    _certified(filled)
    command = QUERY_COMMANDS[name]
    expected = [{key: _flat(value) for key, value in row.items()} for row in rows(run(*command, "--json"))]
    assert bool(expected) != name.startswith("no ")
    arrow = pyarrow.ipc.open_stream(run(*command, "--format", "arrow").stdout_bytes).read_all()
    assert arrow.to_pylist() == expected
    text = run(*command, "--format", "csv").stdout
    texts = [{key: "" if value is None else str(value) for key, value in row.items()} for row in expected]
    assert list(csv.DictReader(io.StringIO(text))) == texts
    table = Table.read(run(*command, "--format", "ecsv").stdout, format="ascii.ecsv")
    names = table.colnames
    found = [{key: None if np.ma.is_masked(row[key]) else row[key] for key in names} for row in table]
    # To astropy an empty text is one that is masked.
    assert found == [{key: None if value == "" else value for key, value in row.items()} for row in expected]
    for key in names:
        kinds = {type(row[key]) for row in expected if row[key] is not None}
        assert not kinds or table[key].dtype.kind in {int: "i", float: "f", bool: "b"}.get(kinds.pop(), "U"), key


def test_two_expressions_are_refused(run: Run, filled: Butler) -> None:
    """Of two, click takes the last: more would be removed than was asked for."""
    where = ("--where", "instrument = 'Cam' AND exposure = 1", "--where", "instrument = 'Cam'")
    count = filled.query_all_datasets("run").count()
    failed = run("prune-datasets", "REPO", "run", *where, "--purge", "run", "--no-confirm", fails=True)
    assert failed.exit_code == 2
    assert "--where is given twice; join the expressions with AND." in failed.output
    assert filled.query_all_datasets("run").count() == count > 0


def test_a_collection_where_a_dataset_type_belongs(run: Run, filled: Butler) -> None:
    for command in ("query-datasets", "query-calibrations"):
        assert "It is a collection: say --collections run." in run(command, "REPO", "raw", "run").stderr


@pytest.mark.parametrize("format", ["json", "csv", "ecsv", "arrow"])
@pytest.mark.parametrize(
    "words", [["raw"], ["raw", "gain", "note", "--show-uri"], ["raw", "--order-by=-exposure,detector"], ["nope*"], ["raw", "--find-first", "--collections=run"]]
)  # fmt: skip
def test_all_datasets_are_streamed_in_the_same_order(run: Run, filled: Butler, words: list[str], format: str) -> None:
    command = ("query-datasets", "REPO", *words, "--format", format)
    streamed = run(*command, "--limit", "0")
    assert streamed.stdout_bytes == run(*command, "--limit", "20000").stdout_bytes
    assert ("nope" in words[0]) == ("No dataset type matches" in streamed.stderr)


@pytest.mark.parametrize("format", ["json", "csv", "ecsv", "arrow"])
@pytest.mark.parametrize(
    "words",
    [
        ["query-data-ids", "REPO", "exposure", "detector", "--order-by=-exposure,detector"],
        ["query-data-ids", "REPO", "exposure", "--where=FALSE"],
        ["query-dimension-records", "REPO", "detector"],
        ["query-dimension-records", "REPO", "exposure", "--order-by=-exposure"],
        ["query-dimension-records", "REPO", "visit_definition"],
    ],
)
def test_all_data_ids_and_records_are_streamed(run: Run, filled: Butler, words: list[str], format: str) -> None:
    streamed = run(*words, "--format", format, "--limit", "0")
    limited = run(*words, "--format", format, "--limit", "20000")
    assert (streamed.stdout_bytes, streamed.stderr) == (limited.stdout_bytes, limited.stderr)


def test_a_type_that_collections_never_held_has_all_its_columns(run: Run, filled: Butler) -> None:
    filled.collections.register("hollow", CollectionType.RUN)
    words = ("query-datasets", "REPO", "raw", "--collections", "hollow", "--format", "csv", "--limit")
    shown = run(*words, "0").stdout
    assert shown == run(*words, "-20000").stdout
    assert {"instrument", "detector", "exposure"} <= set(shown.strip().split(","))


def test_a_negative_limit_tells_of_datasets_of_a_further_type(run: Run, filled: Butler, tmp_path: Path) -> None:
    chosen = ("--collections", "run,other", "--where", f"{CAM} AND detector = 1")
    gains = len(rows(run("query-datasets", "REPO", "gain", *chosen, "--json")))
    assert gains
    shown = run("query-datasets", "REPO", "gain", "raw", *chosen, "--limit", f"-{gains}", "--json")
    assert [row["type"] for row in rows(shown)] == ["gain"] * gains
    assert f"more than {gains} datasets" in shown.stderr
    assert not run("query-datasets", "REPO", "gain", "raw", *chosen, "--limit", str(gains), "--json").stderr
    types = ("-d", "gain,raw")
    taken = run("retrieve-artifacts", "REPO", str(tmp_path / "copies"), *types, *chosen, "--limit", f"-{gains}")
    assert f"more than {gains} datasets" in taken.stderr
    tagged = run("associate", "REPO", "some", *types, *chosen, "--limit", f"-{gains}")
    assert f"more than {gains} datasets" in tagged.stderr
    assert len(rows(run("query-datasets", "REPO", "--collections", "some", "--json"))) == gains


def test_what_is_empty_is_told_when_all_are_wanted(run: Run, filled: Butler) -> None:
    words = ("query-datasets", "REPO", "raw", "--limit", "0", "--json", "--where", f"{CAM} AND exposure = 77")
    found = run(*words)
    assert rows(found) == []
    assert "There is no exposure 77" in found.stderr
    assert "SQL:" in run(*words, "--explain").stderr


def test_columns_have_kinds_without_rows(run: Run, filled: Butler) -> None:
    import pyarrow.ipc

    def kinds(*words: str) -> dict[str, str]:
        out = run(*words, "--format", "arrow").stdout_bytes
        return {field.name: str(field.type) for field in pyarrow.ipc.open_stream(out).schema}

    datasets = kinds("query-datasets", "REPO", "raw", "--where", f"{CAM} AND exposure = 77")
    assert datasets["exposure"] == "int64"
    assert list(datasets)[:3] == ["type", "run", "id"]
    assert kinds("query-dimension-records", "REPO", "exposure", "--where", "FALSE")["exposure_time"] == "double"


def test_programs_get_names_of_collections_without_blanks(run: Run, filled: Butler) -> None:
    filled.collections.register("tree", "CHAINED")
    filled.collections.set_chain("tree", ["run"])
    found = rows(run("query-collections", "REPO", "tree", "--json"))
    assert [(row["Name"], row["Level"]) for row in found] == [("tree", 0), ("run", 1)]
    assert "  run" in run("query-collections", "REPO", "tree").stdout


def test_find_first_wants_an_order(run: Run, filled: Butler) -> None:
    failed = run("query-datasets", "REPO", "raw", "--find-first", fails=True)
    assert "needs --collections" in str(failed.exception)


def _flat(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _certified(butler: Butler) -> None:
    dimensions = ["instrument", "detector"]
    butler.dataset_types.register(
        DatasetType("flaw", dimensions, "StructuredDataDict", is_calibration=True, universe=butler.universe)
    )
    butler.collections.register("certified", CollectionType.CALIBRATION)
    refs = [butler.put({}, "flaw", detector=0, run="flaws")]
    butler.collections.certify("certified", refs, Timespan(None, "2026-01-01"))
    butler.collections.certify("certified", refs, Timespan("2026-01-02", None))


def test_query_commands_explain(run: Run, filled: Butler, tmp_path: Path) -> None:
    (tmp_path / "where").write_text(f"{CAM}\nAND exposure = 1\n")
    where = ("--where", f"@{tmp_path}/where")
    for command in (("query-datasets", "raw"), ("query-data-ids", "exposure"), ("query-dimension-records", "exposure")):
        shown = run(command[0], "REPO", *command[1:], *where, "--explain", "--json")
        assert "SQL:" in shown.stderr
        assert {row.get("exposure", row.get("id")) for row in rows(shown)} == {1}


def test_types_of_which_collections_hold_none_are_explained(run: Run, filled: Butler) -> None:
    for options in (("--explain",), ()):
        for name in ("raw", "ra*"):
            shown = run("query-datasets", "REPO", name, "--collections", "other", *options)
            assert "Datasets 'raw' that satisfy the query are in 'run'." in shown.stderr
            assert ("Plan:" in shown.stderr) is bool(options)
            assert "No results" not in shown.stderr
    both = run("query-datasets", "REPO", "raw", "note", "--collections", "other", "--explain", "--json")
    assert [row["type"] for row in rows(both)] == ["note"]
    assert "Datasets 'raw' that satisfy the query are in 'run'." in both.stderr
    assert run("query-datasets", "REPO", "raw", "note", "--collections", "other", "--json").stderr == ""


@pytest.mark.parametrize("command", [("query-data-ids", "exposure"), ("query-dimension-records", "exposure")])
def test_no_datasets_means_no_data_ids(run: Run, filled: Butler, command: tuple[str, str]) -> None:
    where = ("--collections", "other", "--json")
    for names in ("raw", "ra*", "note,raw"):
        shown = run(command[0], "REPO", command[1], "--datasets", names, *where)
        assert rows(shown) == []
        assert "'raw'" in shown.stderr
    for name in ("rawq", "q*"):
        failed = run(command[0], "REPO", command[1], "--datasets", name, *where, fails=True)
        assert f"No dataset type matches '{name}'." in str(failed.exception)


def test_listings_explain(run: Run, filled: Butler) -> None:
    shown = run("query-collections", "REPO", "--explain", "--json")
    assert shown.stderr == "3 of 3 collections match '*'.\n"
    assert len(rows(shown)) == 5
    none = run("query-collections", "REPO", "--collection-type", "tagged,calibration")
    assert "None of them is of type CALIBRATION or TAGGED (they are 1 CHAINED, 2 RUN)." in none.stderr
    assert "Did you mean 'other'" in run("query-collections", "REPO", "othr*", "--explain").stderr
    few = run("query-dataset-types", "REPO", "raw", "no*", "--collections", "other", "--explain")
    assert few.stdout.split()[-1] == "note"
    assert "2 of 6 dataset types match 'raw', 'no*'." in few.stderr.splitlines()
    assert "1 of them has ever had datasets in 'other'." in few.stderr.splitlines()
    lost = run("query-dataset-types", "REPO", "raw", "--collections", "other").stderr
    assert "None of them has ever had datasets in 'other'." in lost
    assert "They had some in 'chain', 'run'." in lost
    assert "Did you mean 'gain'" in run("query-dataset-types", "REPO", "gian").stderr


def test_ordered_records(run: Run, filled: Butler) -> None:
    shown = rows(run("query-dimension-records", "REPO", "exposure", "--order-by", "-id", "--json"))
    assert [row["id"] for row in shown] == sorted((row["id"] for row in shown), reverse=True)


def test_an_expression_that_is_wrong_is_pointed_at(repository: Path) -> None:
    from pachon.base.cli.program import describe_error

    result = CliRunner().invoke(program, ["query-data-ids", str(repository), "exposure", "--where", "exposure == 1"])
    assert result.exception is not None
    shown = describe_error(result.exception).splitlines()
    assert shown[0].endswith("write '='.")
    assert shown[1:] == ["  exposure == 1", "           ^"]


def test_warnings_are_plain_sentences(run: Run, filled: Butler) -> None:
    _certified(filled)
    for command in (
        ("query-calibrations", "REPO", "flaw", "--limit", "-1"),
        ("query-datasets", "REPO", "raw", "--limit", "-1"),
        ("query-data-ids", "REPO", "detector", "--limit", "-1"),
        ("query-dimension-records", "REPO", "detector", "--limit", "-1"),
    ):
        (told,) = run(*command).stderr.splitlines()
        assert told.startswith("Warning: There are more than 1 ")
    filled.put({}, "bias", detector=0, run="calib/a")
    told = run("certify-calibrations", "REPO", "calib/a", "c", "bias", "--begin-date", "1950-01-01").stderr
    assert told == "Warning: 1950-01-01T00:00:00 is outside 1970 to 2100 and is moved to the limit.\n"


@pytest.mark.parametrize("command", [("query-data-ids", "exposure"), ("query-dimension-records", "exposure")])
def test_collections_without_datasets_are_told(run: Run, filled: Butler, command: tuple[str, str]) -> None:
    words = (command[0], "REPO", command[1], "--json")
    told = run(*words, "--collections", "chain")
    assert told.stderr == "Warning: --collections has no effect without --datasets.\n"
    assert told.stdout == run(*words).stdout
    assert not run(*words, "--collections", "chain", "--datasets", "raw").stderr


def test_errors_name_options(repository: Path, filled: Butler, tmp_path: Path) -> None:
    """A library speaks of arguments, and a program of options."""
    root, copy, backup = str(repository), str(tmp_path / "copy"), str(tmp_path / "backup")
    filled.backup(backup)
    shutil.copytree(root, copy)
    files = tmp_path / "files.csv"
    files.write_text("file,detector\nf.yaml,0\n")
    (tmp_path / "f.yaml").write_text("{}")
    ingest = ("ingest-files", root, "gain", "r", str(files), "--data-id", "instrument=Cam", "--prefix", str(tmp_path))
    ingest = (*ingest, "-t", "copy", "--id-generation-mode", "dataid_type_run")
    assert "Ingested 1 dataset " in run_command(program, *ingest).stdout
    for command, told in (
        (("relocate", root, "--from", root), f"{root} is both the old place and the new one; say in --from where it was."),
        (("relocate", root, "--from", "/a", "--to", "/none"), "There is no folder /none: move the files there first, or say another place (--to)."),
        (("create", root), f"{root!r} holds a repository already; choose another place."),
        (("fsck", root, "--unstore-damaged"), "Damaged datasets are unstored only by a repair: say --repair too."),
        (("restore", copy, backup, "--no-confirm"), "If that repository has moved here, or this is its copy, say --moved."),
        (ingest, "nothing was ingested. Say --skip-existing to leave them out."),
    ):  # fmt: skip
        result = run_command(program, *command)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")
        assert result.stderr.endswith(f"{told}\n")
    usual = (*ingest[:-2], "--prefix", str(tmp_path))
    told = "1 of 1 dataset is in the run already; nothing was ingested. Say --skip-existing to leave them out.\n"
    assert run_command(program, *usual).stderr.endswith(told)
    assert run_command(program, *usual, "--skip-existing").stdout == "Ingested 0 datasets from 1 file.\n"
    unknown = run_command(program, *ingest[:2], "gian", *ingest[3:]).stderr
    assert unknown.endswith("Did you mean 'gain'? 'butler register-dataset-type' registers one.\n")
    assert run_command(program, *ingest, "--skip-existing").stdout == "Ingested 0 datasets from 1 file.\n"
