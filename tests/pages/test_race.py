"""Race: presets, lanes of one's own, the start, the course and its table, addresses."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from tests import synthetic
from training.presets import PRESETS
from training.recipe import Recipe
from training.runs import Runs
from ui import cached, prose, race

Open = Callable[..., AppTest]


class Fake:
    """A pool that trains nothing and remembers what it was asked for."""

    slots = 2
    cluster = None

    def __init__(self, root: Path) -> None:
        self.runs = Runs(root)
        self.asked: list[tuple[Any, ...]] = []

    def submit(self, recipe: Recipe, *, group: str | None = None, owner: str = "") -> str:
        self.asked.append(("submit", recipe, group))
        return self.runs.submit(recipe, group=group, owner=owner)

    def place(self, id: str) -> int | None:
        return 2

    def __getattr__(self, name: str) -> Callable[..., None]:
        assert name in ("play", "pause", "stop", "step", "epoch", "rate")
        return lambda *args: self.asked.append((name, *args))


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fake:
    fake = Fake(tmp_path / "runs")
    monkeypatch.setattr(cached, "pool", lambda: fake)
    return fake


@pytest.fixture
def page(app: AppTest, pool: Fake) -> Open:
    def opened(**query: str) -> AppTest:
        app.run()
        app.switch_page("pages/race.py")
        for name, value in query.items():
            app.query_params[f"race.{name}"] = value
        app.run()
        assert not app.exception
        return app

    return opened


def text(page: AppTest) -> str:
    return "\n".join(each.value for each in (*page.markdown, *page.caption, *page.warning, *page.error))


def finished(pool: Fake, *ids: str) -> None:
    """Runs that differ in nothing but the weight decay."""
    for at, id in enumerate(ids):
        synthetic.write(pool.runs.root, id)
        recipe = replace(synthetic.recipe(), weight_decay=at * 1e-4)
        (pool.runs.root / id / "recipe.json").write_text(recipe.to_json())


@pytest.mark.parametrize("key", PRESETS)
def test_a_preset_shows_its_lanes_and_starts_them(page: Open, pool: Fake, key: str) -> None:
    shown = page(preset=PRESETS[key].title)
    lanes = PRESETS[key].race.lanes
    (table,) = [each.proto.body for each in shown.get("html") if "The lanes and what" in each.proto.body]
    rows = table.split("<tr><td>")[1:]
    assert all(lane.name in row for lane, row in zip(lanes, rows, strict=True))
    shown.button(key="race.go").click().run()
    assert not shown.exception
    assert [asked[1] for asked in pool.asked] == [lane.recipe for lane in lanes]
    assert len({asked[2] for asked in pool.asked}) == 1, "all in one group"
    ids = "".join(shown.query_params["race.runs"]).split(";")
    assert len(ids) == len(lanes)
    assert not shown.error


def test_the_seed_is_that_of_all_lanes(page: Open, pool: Fake) -> None:
    page(preset="Label smoothing", seed="3").button(key="race.go").click().run()
    assert {asked[1].seed for asked in pool.asked} == {3}


def test_lanes_of_ones_own_at_equal_parameters(page: Open, pool: Fake) -> None:
    shown = page(preset="Put together your own", equal="equal parameters", lanes="3", epochs="2")
    shown.button(key="race.go").click().run(timeout=60)
    recipes = [asked[1] for asked in pool.asked]
    assert [recipe.specimen.variant for recipe in recipes] == list(race._FIRST[:3])
    assert all(recipe.epochs == 2 for recipe in recipes)
    assert recipes[1].specimen.knobs, "VGG was made smaller"


def test_what_a_network_does_not_have_cannot_be_taken_out(page: Open) -> None:
    shown = page(**{"preset": "Put together your own", "net.2": "ViT", "change.2": "no batch norm"})
    assert "Lane 2: This network has no batch norm" in shown.error[0].value.replace("\\", "")
    assert not [each for each in shown.button if each.key == "race.go"]


def test_two_lanes_alike_are_no_race(page: Open) -> None:
    shown = page(**{"preset": "Put together your own", "net.2": "ResNet"})
    assert "Two lanes are the same" in shown.error[0].value


def test_lanes_are_called_by_what_tells_them_apart() -> None:
    plain = Recipe(epochs=3)
    assert race.names([plain, replace(plain, norm=False)]) == ["ResNet", "ResNet, no batch norm"]
    assert race.names([plain, replace(plain, weight_decay=0.01)])[1] == "ResNet, weight_decay 0.01"
    lanes = PRESETS["degradation"].race.lanes
    assert race.names([replace(lane.recipe, seed=7) for lane in lanes]) == [lane.name for lane in lanes]


def test_an_address_brings_the_race_back(page: Open, pool: Fake) -> None:
    finished(pool, "one", "other")
    shown = page(runs="one;other")
    assert "The results" in [each.value for each in shown.subheader]
    table = next(each.value for each in shown.markdown if each.value.startswith("| Lane | State"))
    assert "/train?train.run=one" in table
    assert "90.0%" in table, "training accuracy of the last epoch"
    assert "85.0%" in table, "validation accuracy"
    assert not [each for each in shown.button if each.key == "race.stop"]


def test_the_target_moves_the_time_to_it(page: Open, pool: Fake) -> None:
    """Accuracy is 0.25 + 0.03 a step: 0.4 after the first epoch of five steps, 0.55 after the second."""
    finished(pool, "one", "other")
    shown = page(runs="one;other", target="40 %")
    assert seconds_to_target(shown) == "0 s"
    shown.select_slider(key="race.target").set_value(95).run()
    assert seconds_to_target(shown) == "–"


def seconds_to_target(page: AppTest) -> str:
    table = next(each.value for each in page.markdown if each.value.startswith("| Lane | State"))
    return table.splitlines()[2].rstrip(" |").rpartition("| ")[2]


def test_a_wrong_run_gets_a_sentence_and_the_others_stay(page: Open, pool: Fake) -> None:
    finished(pool, "one", "other")
    shown = page(runs="one;gone;../../etc;other")
    assert len(shown.error) == 2
    assert "gone" in shown.error[0].value
    assert "The results" in [each.value for each in shown.subheader]


def test_nothing_but_wrong_runs_leads_back_to_the_choice(page: Open) -> None:
    shown = page(runs="gone")
    assert "gone" in shown.error[0].value
    assert shown.button(key="race.go")


def test_queued_lanes_say_their_place_and_stop_together(page: Open, pool: Fake) -> None:
    shown = page(preset="Label smoothing")
    shown.button(key="race.go").click().run()
    assert "place 2 in the queue" in "\n".join(each.proto.text for each in shown.get("progress"))
    pool.asked.clear()
    shown.button(key="race.stop").click().run()
    assert [asked[0] for asked in pool.asked] == ["stop", "stop"]
    shown.button(key="race.pause").click().run()
    assert [asked[0] for asked in pool.asked[2:]] == ["pause", "pause"]


def test_races_are_listed_and_lead_to_their_lanes(page: Open, pool: Fake) -> None:
    lanes = PRESETS["activation"].race.lanes
    ids = [pool.runs.submit(lane.recipe, group="activation-1") for lane in lanes]
    pool.runs.submit(Recipe(), group="the other lanes were deleted")
    shown = page()
    assert "Races on this server" in [each.value for each in shown.header]
    title = prose.literal(PRESETS["activation"].title)
    (link,) = [each for each in shown.get("page_link") if each.proto.label == title]
    assert parse_qs(link.proto.query_string)["race.runs"] == [";".join(ids)]


@pytest.mark.parametrize(("key", "recorded"), [("activation", True), ("degradation", False)])
def test_a_preset_that_is_recorded_says_so(page: Open, key: str, recorded: bool) -> None:
    links = page(preset=PRESETS[key].title).get("page_link")
    assert any("recorded" in link.proto.label for link in links) is recorded
