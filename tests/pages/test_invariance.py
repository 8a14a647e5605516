"""The page Invariance: curves of a real network, links, what is followed, and what can be taken away."""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import benchmarks.invariance
import zoo
from ui import cached, invariance_whole, items, rows, subject
from ui.background import Background
from ui.invariance_study import Study
from viz import hooks, images, invariance, plots
from viz.invariance import CHANGES, Curves, measure
from zoo import weights

NET = "zfnet_classroom,weights:shipped:zfnet_shapes"


@pytest.fixture(autouse=True)
def own_results(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    jobs = Background()
    monkeypatch.setattr(cached, "background", lambda: jobs)
    yield
    jobs.close()


def opened(app: AppTest, **query: str) -> AppTest:
    app.run()
    app.switch_page("pages/invariance.py")
    for name, value in ({"net": NET} | query).items():
        app.query_params[f"invariance.{name}"] = value
    app.run()
    assert not app.exception
    return app


def tables(page: AppTest) -> list[str]:
    return [
        each.proto.body
        for each in page.get("html")
        if "zl-rows" in each.proto.body and "<table" in each.proto.body
    ]


def finished(page: AppTest, count: int = 4) -> AppTest:
    end = time.monotonic() + 90
    while len(tables(page)) < count:
        assert time.monotonic() < end
        time.sleep(0.1)
        page.run()
        assert not page.exception
    return page


def study(fill: invariance.Fill = "black", count: int = 5) -> Study:
    specimen = subject.parse(NET)
    known = items.items("shapes")
    return Study(
        specimen=specimen, loaded=zoo.load(specimen), fill=fill,
        photos=tuple(known.photo(at, 0) for at in range(count)), paths=("stages.0", "head.relu7"),
    )  # fmt: skip


def curves(kind: invariance.Kind, asked: Study) -> Curves:
    (*_, last) = measure(
        asked.loaded.model, asked.pictures(), asked.loaded.preprocess, kind, asked.paths, fill=asked.fill,
        targets=asked.targets,
    )  # fmt: skip
    return last


def test_it_opens_with_curves_that_are_still_those_of_the_network(app: AppTest) -> None:
    """What came with the app is of these very weights, and at a few amounts what is measured here."""
    page = opened(app, net=subject.token(subject.FIRST))
    assert len(tables(page)) >= 3
    asked = benchmarks.invariance.study(subject.FIRST)
    kept = asked.measured()
    assert kept is not None
    changes: list[tuple[invariance.Kind, float]] = [("vertical", -30), ("scale", 1.4), ("rotation", 90)]
    for at, (kind, amount) in enumerate(changes):
        row = kept[kind].amounts.index(amount)
        changed = invariance.transformed(asked.pictures()[at : at + 1], kind, amount)
        passed = hooks.observe(asked.loaded.model, asked.loaded.preprocess.normalise(changed), asked.paths)
        before = hooks.observe(
            asked.loaded.model, asked.loaded.preprocess(asked.photos[at].image), asked.paths
        )
        share = float(passed.logits[0].softmax(0)[kept[kind].targets[at]])
        assert kept[kind].probability[row, at] == pytest.approx(share, rel=0.01, abs=1e-3)
        for path in asked.paths:
            distance = float((passed.outputs[path] - before.outputs[path]).norm())
            assert kept[kind].distances[path][row, at] == pytest.approx(distance, rel=0.01)


@pytest.mark.parametrize("name", benchmarks.invariance.PHOTOS)
def test_curves_of_shipped_checkpoints_are_of_their_weights(name: str) -> None:
    asked = benchmarks.invariance.study(weights.specimen_of(f"shipped:{name}"))
    assert asked.measured() is not None
    assert replace(asked, fill="edge").measured() is None


@pytest.mark.parametrize("fill", ["black", "edge"])
def test_pictures_as_the_network_sees_them(fill: invariance.Fill) -> None:
    asked = study(fill, 2)
    (first, _) = asked.shown("vertical", 3)
    crop = np.asarray(asked.loaded.preprocess.crop(asked.photos[0].image))
    assert (np.asarray(first)[3:] == crop[:-3]).all()
    assert (np.asarray(first)[:3] == (0 if fill == "black" else crop[:1])).all()


def test_a_class_that_a_network_does_not_know_is_not_followed() -> None:
    asked = replace(study(), photos=(cached.samples()["cat"], items.items("shapes").photo(1, 0)))
    assert asked.targets == (None, 1)
    found = curves("scale", asked)
    assert found.targets[0] == found.said[found.still, 0]
    assert asked.followed(found, 0).endswith("the network's own answer")
    assert asked.followed(found, 1) == "ring, the label"


def test_a_link_restores_the_view_and_says_what_there_is_not(app: AppTest) -> None:
    page = opened(
        app, change="Rotation", fill="Wrap around", distance="Absolute", first="stages.1", top="head.relu6",
        **{"at.rotation": "90", "classes.shapes": "ring", "number.shapes": "3"},
    )  # fmt: skip
    finished(page)
    assert not page.warning
    assert page.select_slider(key="invariance.at.rotation.slider").value == 90
    assert page.selectbox(key="invariance.first.list").value == "stages.1"
    assert page.selectbox(key="invariance.top.list").value == "head.relu6"
    (each,) = [table for table in tables(page) if "The numbers of each curve" in table]
    assert "ring, the label" in each
    assert each.count("<tr>") == 2  # the head, and one picture
    wrong = opened(app, **{"from": "nowhere", "at.rotation": "far"})
    said = [warning.value for warning in wrong.warning]
    assert any("no pictures called" in each for each in said)
    assert any("is no number" in each for each in said)


def test_of_vit_the_class_token_is_compared_and_that_is_said(app: AppTest) -> None:
    page = opened(app, net="vit_classroom,weights:shipped:vit_cifar10")
    finished(page)
    assert page.selectbox(key="invariance.top.list").value == "norm"
    assert any("the class token alone is compared" in caption.value for caption in page.caption)


def test_what_is_taken_away() -> None:
    asked = study(count=2)
    found = {kind: curves(kind, asked) for kind in CHANGES}
    listed = invariance_whole.numbers(asked, found)
    assert len(listed) == 2 * sum(len(each.amounts) for each in found.values())
    assert {row["class_is"] for row in listed} == {"label"}
    charts = invariance_whole.charts(asked, found, relative=True)
    assert [len(row) for row in charts] == [3, 3, 3, 3]
    picture = plots.page(charts, "Invariance")
    assert picture.width > 2000
    assert images.pdf(picture, "Invariance").startswith(b"%PDF")


def test_the_numbers_are_what_the_method_finds(app: AppTest) -> None:
    page = finished(opened(app))
    asked = study()
    assert asked.targets == (0, 1, 2, 3, 4)
    found = {kind: curves(kind, asked) for kind in CHANGES}
    shown = tables(page)
    assert (
        rows.markup(invariance_whole.reaches(asked, found["vertical"]), "The numbers of each curve") in shown
    )
    assert rows.markup(invariance_whole.table(asked, found), "The four changes") in shown
    said = invariance_whole.observations(asked, found)
    assert rows.markup(said, "The paper and what is measured") in shown
    assert {row["Agrees"] for row in said} <= {"yes", "not here"}
    charts = page.get("echarts_chart")
    assert len(charts) >= 3
    assert not page.warning
    assert not page.error
