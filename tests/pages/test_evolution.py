"""The page Evolution: the run that came with it, links, the reader's runs in every state, odd addresses."""

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests import opening
from training.events import Done, Failed
from training.recipe import Recipe
from training.runs import Runs
from ui import evolution_runs
from zoo import Specimen, weights


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ZOOLENS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


opened = partial(opening.opened, page="evolution")


def data(page: AppTest) -> dict[str, Any]:
    (component,) = page.get("bidi_component")
    return json.loads(component.proto.json)


def own(root: Path, variant: str, epochs: tuple[int, ...] = ()) -> str:
    """A run of the reader that has kept these epochs, of a network that has learnt nothing."""
    runs = Runs(root)
    id = runs.submit(Recipe(specimen=Specimen(variant), epochs=5))
    _, facts = weights.read(weights.SHIPPED / "zfnet_shapes.safetensors")
    for epoch in epochs:
        model = Specimen(variant, num_classes=8).build()
        tensors = {f"{weights.MODEL}{name}": tensor for name, tensor in model.state_dict().items()}
        path = root / id / "checkpoints" / f"{epoch:04d}.safetensors"
        weights.save(path, tensors, facts | {"variant": variant, "knobs": {}, "epoch": epoch})
    return id


def waited(page: AppTest, epochs: int) -> AppTest:
    """The page when so many epochs are there."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if page.get("bidi_component"):
            ready = [each for each in data(page)["film"]["epochs"] if each["ready"]]
            if len(ready) == epochs:
                break
        time.sleep(0.1)
        page.run()
    assert not page.exception
    return page


def test_the_run_that_came_with_the_app(app: AppTest, root: Path) -> None:
    page = opened(app)
    drawn = data(page)
    epochs, rows = drawn["film"]["epochs"], drawn["film"]["rows"]
    assert [each["epoch"] for each in epochs] == [0, 1, 2, 5, 10, 20, 50]
    assert all(each["ready"] for each in epochs)
    assert epochs[-1]["note"].startswith("99% right")
    assert len(rows) == 6
    for row in rows:
        counted = sum(tile["jumped"] for tile in row["tiles"])
        assert row["says"] == f"{counted} jump{'' if counted == 1 else 's'}"
        lit = [tile["projection"] for tile in row["tiles"] if tile["value"] > 0]
        assert all(each.startswith("data:image/") for each in lit)
    assert drawn["at"] is None
    assert any("Measured on this run" in text.value for text in page.markdown)
    assert not page.warning
    assert not page.error


def test_a_link_restores_the_view(app: AppTest, root: Path) -> None:
    page = opened(
        app, epoch="5", pictures="1,000", maps="By number", numbers="3, 1", show="Patches",
        stretch="false", by="Winners", **{"with": "The epoch before", "layer.zfnet_classroom": "Layer 2"},
    )  # fmt: skip
    drawn = data(waited(page, 7))
    assert drawn["at"] == 5
    assert any("1,000 pictures of Shapes" in text.value for text in page.caption)
    assert [row["title"] for row in drawn["film"]["rows"]] == ["Map 3", "Map 1"]
    assert drawn["film"]["show"] == "patches"
    assert not page.warning
    assert any("32 maps of 15 × 15" in text.value for text in page.caption)
    assert any("has one scale" in text.value for text in page.caption)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"epoch": "<b>"}, "There is no epoch"),
        ({"epoch": "7"}, "There is no epoch"),
        ({"maps": "By number", "numbers": "3, 99, x"}, "This layer has maps 0 to 31"),
        ({"count": "5"}, "which there is not"),
    ],
)
def test_odd_addresses(app: AppTest, root: Path, query: dict[str, str], said: str) -> None:
    page = opened(app, **query)
    assert said in page.warning[0].value
    assert data(page)["film"]["rows"]


@pytest.mark.parametrize("run", ["nobody", "../etc", "recorded:none", "<b>"])
def test_a_run_that_is_not_there(app: AppTest, root: Path, run: str) -> None:
    page = opened(app, run=run)
    assert "There is no run called" in page.error[0].value
    page.button(key="evolution.back").click().run()
    assert page.query_params["evolution.run"] == evolution_runs.FIRST
    assert data(page)["film"]["rows"]


def test_the_readers_run_and_an_epoch_that_is_gone_meanwhile(app: AppTest, root: Path) -> None:
    id = own(root, "zfnet_classroom", (0, 1))
    listed = evolution_runs.choices()
    assert listed[id].endswith("epochs as it keeps them")  # it waits to go on
    (root / id / "checkpoints" / "0001.safetensors").write_bytes(b"cut off")
    page = waited(opened(app, run=id), 1)
    page.run()
    assert "is no checkpoint" in page.warning[0].value
    there = data(page)["film"]["epochs"]
    assert [(each["ready"], each["state"]) for each in there] == [(True, "done"), (False, "failed")]
    (root / id / "checkpoints" / "0001.safetensors").unlink()
    page.run()
    assert not page.warning
    Runs(root).end(id, Done(step=0, epoch=1, reason="stopped"))
    Runs(root).delete(id)
    page.run()
    assert "There is no run called" in page.error[0].value


def test_a_network_that_has_no_maps_says_so(app: AppTest, root: Path) -> None:
    page = opened(app, run=own(root, "vit_classroom", (0,)))
    assert "not made of convolutions" in page.info[0].value
    assert not page.get("bidi_component")


def test_a_network_without_rectifiers_has_patches_only(app: AppTest, root: Path) -> None:
    page = waited(opened(app, run=own(root, "lenet_classroom", (0,))), 1)
    assert "Not defined for" in page.info[0].value
    (row, *_) = data(page)["film"]["rows"]
    assert row["tiles"][0]["projection"] is None
    assert row["tiles"][0]["why"] == "not defined"
    assert row["tiles"][0]["patch"].startswith("data:image/")


def test_a_run_that_waits_for_its_first_epoch(app: AppTest, root: Path) -> None:
    page = opened(app, run=own(root, "zfnet_classroom"))
    assert "no epoch yet" in page.info[0].value


def test_a_failed_run_without_an_epoch(app: AppTest, root: Path) -> None:
    id = own(root, "zfnet_classroom")
    Runs(root).end(id, Failed(step=0, reason="The disk was full."))
    page = opened(app, run=id)
    assert "has kept no epoch" in page.info[0].value
    assert "The disk was full" in page.info[0].value
    assert not page.get("bidi_component")
