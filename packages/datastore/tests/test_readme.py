# SPDX-License-Identifier: BSD-3-Clause
import re
from pathlib import Path


def test_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "{'fwhm': 1.2}"
    assert re.fullmatch(r"runs/one/seeing/Cam_3-w[0-9a-z]{12}\.yaml", printed[1])
