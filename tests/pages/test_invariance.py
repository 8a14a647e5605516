"""The page Invariance: curves of a real network, links, what is followed, and what can be taken away."""

import time

import pytest
from streamlit.testing.v1 import AppTest

import benchmarks.invariance
import zoo
from ui import cached, invariance_whole, items, rows, subject
from ui.invariance_study import Study
from viz import hooks, invariance
from viz.invariance import CHANGES, Curves, measure

NET = "zfnet_classroom,weights:shipped:zfnet_shapes"


@pytest.fixture(autouse=True)
def own_results() -> None:
    cached.background.clear()


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
