"""`python -m zoo` as a reader of a terminal meets it."""

import csv
import io
import json

import pytest

import zoo
from zoo.__main__ import main


def test_it_lists_the_families(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(family.title in out for family in zoo.FAMILIES.values())
    assert all(f" {name}" in out for name in zoo.VARIANTS)


def test_the_table_of_resnet50(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resnet50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    cells = " ".join(lines[1].split())
    assert cells == "stem.conv1 Conv 7×7 /2 64×112×112 9,408 118,013,952 802,816 7 × 7 px"
    assert "parameters 25,557,032, MACs 4,089,184,256 (FLOPs 8,178,368,512)" in lines
    assert any("50 weighted layers" in line for line in lines)


def test_csv_and_json_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resnet_classroom", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert main(["resnet_classroom", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [{k: str(v) for k, v in layer.items()} for layer in told["layers"]] == rows
    assert sum(int(r["MACs"]) for r in rows) == told["MACs"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["resnet5O"], "Did you mean resnet50?"),
        (["resnet50", "--size", "0"], "too small"),
        (["resnet_classroom", "--size", "-4"], "too small"),
    ],
)
def test_a_mistake_gets_a_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert "Traceback" not in err
