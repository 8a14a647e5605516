"""The step of .ci/run that asks for known vulnerabilities: what ends the build and what does not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

AUDIT = Path(__file__).parents[1] / ".ci" / "audit"
FLAW = {"id": "PYSEC-1", "fix_versions": ["99.0"]}


def package(name: str, *flaws: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "version": "1.0", "vulns": list(flaws)}


def audited(folder: Path, answer: str) -> subprocess.CompletedProcess[str]:
    """The step, where pip-audit says `answer`."""
    (folder / "pip_audit.py").write_text(f"print({answer!r})")
    return subprocess.run(
        [sys.executable, AUDIT], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(folder)}
    )


@pytest.mark.parametrize(
    ("packages", "code"),
    [
        ([package("streamlit")], 0),
        ([package("streamlit", FLAW)], 1),
        ([package("efficientnet_lite0.pytorch-model", FLAW)], 1),
        ([package("streamlit", FLAW | {"fix_versions": []})], 0),
        ([package("tornado", FLAW)], 0),
    ],
    ids=["clean", "ours", "ours by another spelling", "ours, and nothing to be done", "further away"],
)
def test_what_ends_the_build(tmp_path: Path, packages: list[dict[str, Any]], code: int) -> None:
    found = audited(tmp_path, json.dumps({"dependencies": packages}))
    assert found.returncode == code, found.stderr
    flawed = any(each["vulns"] for each in packages)
    assert ("has PYSEC-1" in found.stdout) == flawed


@pytest.mark.parametrize(
    "answer",
    ["", "no network", json.dumps({"dependencies": [{"name": "streamlit", "skip_reason": "not found"}]})],
)
def test_without_a_network_nothing_fails(tmp_path: Path, answer: str) -> None:
    found = audited(tmp_path, answer)
    assert found.returncode == 0, found.stderr
    assert "nothing was checked" in found.stdout
