# SPDX-License-Identifier: BSD-3-Clause
"""Commands and functions with secrets wherever these can stand, all that comes out, and no secret in it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pachon.base import PachonError
from pachon.base.testing import WarmPrograms
from pachon.butler import Butler
from pachon.butler.config_text import describe_configuration

SECRETS = {
    "database": "db-hunter2",
    "query": "query-hunter2",
    "replica": "replica-hunter2",
    "key": "KEY-HUNTER2",
    "secret": "s3%2Fhunter2",
    "signature": "signature-hunter2",
}

ENVIRONMENT = {
    # The id of an S3 key is in each request and no secret; the libraries of S3 log it.
    "PACHON_S3_PROFILE_vault": f"http://access-key-id:{SECRETS['secret']}@127.0.0.1:1",
    "AWS_SECRET_ACCESS_KEY": f"aws-{SECRETS['secret']}",
    "AWS_MAX_ATTEMPTS": "1",
    "PGPASSWORD": SECRETS["database"],
    "PACHON_RETRIES": "1",
}
DATABASE = (
    f"postgresql+psycopg://me:{SECRETS['database']}@127.0.0.1:1/none?sslpassword={SECRETS['query']}&connect_timeout=1"
)
SIGNED = f"http://user:{SECRETS['key']}@127.0.0.1:1/a/f.yaml?X-Amz-Signature={SECRETS['signature']}"


@pytest.fixture
def places(repository: Path, tmp_path: Path) -> dict[str, str]:
    """Repositories and files with secrets."""

    def settings(name: str, text: str) -> str:
        (tmp_path / name).mkdir()
        (tmp_path / name / "butler.yaml").write_text(text)
        return str(tmp_path / name)

    table = tmp_path / "table.csv"
    table.write_text(f"file,detector\n{SIGNED},0\n")

    return {
        "REPO": str(repository),
        "SERVER": settings("server", f"pachon: 1\ndatabase: {{url: '{DATABASE}', replica_url: '{DATABASE}'}}\n"),
        "REPLICA": settings(
            "replica",
            "pachon: 1\ndatabase: {url: 'postgresql://me@db/x', "
            f"replica_url: 'postgresql://me:{SECRETS['replica']}@db/x'}}\n",
        ),
        "BUCKET": settings("bucket", "pachon: 1\ndatastore: {root: 's3://vault@bucket/files'}\n"),
        "SIGNED": settings("signed", f"pachon: 1\ndatastore: {{root: '{SIGNED}'}}\n"),
        "BROKEN": settings("broken", f"pachon: 1\ndatabase: {{url: '{DATABASE}', urll: 1}}\n"),
        "NOT-YAML": settings("not-yaml", f"pachon: 1\ndatabase: {{url: '{DATABASE}'\n  x: [\n"),
        "TABLE": str(table),
        "NEW": str(tmp_path / "new"),
    }


LOUD = ("--log-level", "DEBUG", "--log-level", ".=DEBUG", "--long-log")
COMMANDS = [
    ["config-dump", "SERVER"],
    ["config-dump", "SERVER", "--origin"],
    ["config-dump", "SERVER", "-s", ".database.url"],
    ["config-dump", "SERVER", "-s", ".database"],
    ["config-dump", "SERVER", "-s", ".database.replica_url"],
    ["config-dump", "REPLICA"],
    ["config-dump", "REPLICA", "--origin"],
    ["config-dump", "BUCKET"],
    ["config-dump", "SIGNED"],
    ["config-dump", "SIGNED", "--origin"],
    ["config-dump", "SIGNED", "-s", ".datastore.root"],
    ["config-dump", "BROKEN"],
    ["config-dump", "NOT-YAML"],
    ["config-dump", "SIGNED-URL"],
    ["query-collections", "SERVER"],
    ["query-collections", "BROKEN"],
    ["query-collections", "BUCKET"],
    ["query-collections", "SIGNED"],
    ["query-collections", "SIGNED-URL"],
    ["fsck", "SERVER"],
    ["backup", "SERVER", "NEW"],
    ["backup", "REPO", "SIGNED-URL"],
    ["create", "NEW", "--database", "DATABASE"],
    ["create", "s3://vault@bucket/repo"],
    ["create", "SIGNED-URL"],
    ["ingest-files", "REPO", "gain", "bad", "TABLE", "--data-id", "instrument=Cam", "--transfer", "copy"],
    ["ingest-files", "REPO", "gain", "bad", "SIGNED-URL", "--data-id", "instrument=Cam"],
    ["retrieve-artifacts", "REPO", "SIGNED-URL", "--where", "instrument='Cam'"],
    ["transfer-from-graph", "s3://vault@bucket/g.qg", "REPO"],
    ["transfer-from-graph", "SIGNED-URL", "REPO"],
    ["move-database", "REPO", "DATABASE"],
    ["restore", "SIGNED-URL", "REPO"],
]


def told(text: str) -> list[str]:
    """Give the secrets that are in a text."""
    return [name for name, secret in SECRETS.items() if secret in text or secret.replace("%2F", "/") in text]


@pytest.fixture(scope="module")
def programs() -> Iterator[WarmPrograms]:
    with WarmPrograms("pachon.butler.butler") as warm:
        yield warm


def check_silence(done: "subprocess.CompletedProcess[str]", log: Path) -> None:
    assert done.returncode != 2, done.stderr[-600:]
    out = done.stdout + done.stderr + (log.read_text() if log.exists() else "")
    assert done.stdout + done.stderr
    assert told(out) == [], out[-3000:]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands(places: dict[str, str], command: list[str], programs: WarmPrograms, tmp_path: Path) -> None:
    names = {**places, "SIGNED-URL": SIGNED, "DATABASE": DATABASE}
    log = tmp_path / "log.json"
    words = [names.get(word, word) for word in command]
    check_silence(
        programs.run("butler", *LOUD, "--log-file", log, *words, env={**os.environ, **ENVIRONMENT}, cwd=tmp_path), log
    )


@pytest.mark.parametrize("command", [["fsck", "SERVER"], ["query-collections", "BUCKET"]], ids=" ".join)
def test_commands_from_the_start(places: dict[str, str], command: list[str], tmp_path: Path) -> None:
    """What libraries log when they are imported is said after the program has set up its logging."""
    program, log = Path(sys.executable).parent / "butler", tmp_path / "log.json"
    words = [places.get(word, word) for word in command]
    done = subprocess.run(
        [program, *LOUD, "--log-file", log, *words],
        capture_output=True,
        text=True,
        env={**os.environ, **ENVIRONMENT},
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    check_silence(done, log)


def everything_of(error: BaseException) -> Iterator[str]:
    """Give all that can be seen of an error and of those behind it."""
    chain: BaseException | None = error
    while chain is not None:
        yield f"{chain!r} {chain} {getattr(chain, '__notes__', '')}"
        chain = chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__)


def test_errors_and_reprs(places: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with Butler.open(places["REPO"]) as butler:
        assert told(f"{butler!r} {butler} {butler.collections!r} {butler.dataset_types!r}") == []
        for call in (lambda: butler.transfer_from_graph(SIGNED), lambda: butler.backup(SIGNED)):
            with pytest.raises(PachonError) as caught:
                call()
            assert told(" ".join(everything_of(caught.value))) == []
    for name in ("SERVER", "BROKEN", "NOT-YAML"):
        with pytest.raises(PachonError) as caught, Butler.open(places[name]) as opened:
            opened.collections.query()
        assert told(" ".join(everything_of(caught.value))) == [], name
    for name in ("SERVER", "REPLICA", "SIGNED", "BUCKET"):
        assert told(describe_configuration(places[name])) == []
