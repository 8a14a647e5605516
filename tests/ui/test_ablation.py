"""Table 3: what is shown as measured is what was measured, and parameters are the networks' own."""

import json
from statistics import mean

import pytest

from tests.conftest import ROOT
from training.presets import PRESETS
from training.race import cost
from ui import ablation
from zoo import VARIANTS

MEASURED = json.loads((ROOT / "assets/measured/races.json").read_text(encoding="utf-8"))["rows"]

RACES = ("ablation", "widening")


@pytest.mark.parametrize("row", ablation.OURS, ids=lambda row: row.lane)
def test_errors_are_those_of_the_races(row: ablation.Row) -> None:
    found = ablation.errors(row)
    accuracies = [
        each["validation accuracy"]
        for each in MEASURED
        if each["preset"] in RACES and each["lane"] == row.lane
    ]
    assert len(accuracies) == (6 if row.lane == "whole" else 3)
    assert found.mean == pytest.approx(100 * (1 - mean(accuracies)))
    assert found.least == pytest.approx(100 * (1 - max(accuracies)))
    assert found.largest == pytest.approx(100 * (1 - min(accuracies)))


def test_a_lane_is_trained_alike_in_whichever_race() -> None:
    recipes = [lane.recipe for key in RACES for lane in PRESETS[key].race.lanes if lane.name == "whole"]
    assert recipes[0] == recipes[1]


def test_parameters_are_those_of_the_networks() -> None:
    rows = ablation.table()
    zfnet, wide = (VARIANTS[name].published for name in ("zfnet", "zfnet_512"))
    assert zfnet is not None
    assert wide is not None
    assert rows[0]["parameters_at_that_size"] == rows[5]["parameters_at_that_size"] == zfnet.params
    assert rows[6]["parameters_at_that_size"] == wide.params
    raced = {lane.name: lane.recipe for key in RACES for lane in PRESETS[key].race.lanes}
    for row, known in zip(rows, ablation.ROWS, strict=True):
        assert row["parameters_here"] == cost(raced[known.lane]).params


def test_the_hidden_layers_hold_most_here_and_in_print() -> None:
    for specimen in (ablation.ROWS[0].printed, ablation.trained("whole")):
        held = ablation.held(specimen)
        assert 0.85 < held["fc6, fc7"] / sum(held.values()) < 0.95
    gone = ablation.held(ablation.trained("without both"))
    assert gone["fc6, fc7"] == gone["conv3, conv4"] == 0
