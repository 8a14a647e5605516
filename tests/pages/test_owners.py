"""Whose run it is: two browsers on the same pages, buttons that steer and presses that nobody offered."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests import synthetic
from tests.conftest import ROOT
from tests.pages.test_train import Fake, query, texts
from training.events import Done
from training.owners import marked
from training.recipe import Recipe
from ui import browser, cached, presenter

MINE, OTHER = "m" * 43, "o" * 43
STEERING = ("train.pause", "train.one step", "train.one epoch", "train.stop", "train.times 0.1")
Visit = Callable[..., AppTest]


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fake:
    fake = Fake(tmp_path / "runs")
    monkeypatch.setattr(cached, "pool", lambda: fake)
    return fake


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch, pool: Fake) -> Visit:
    """A page with an address, in the browser of a secret. What follows is done there until the next visit."""
    monkeypatch.chdir(ROOT)

    def visit(secret: str, page: str, **parameters: str) -> AppTest:
        monkeypatch.setattr(browser, "secret", lambda: secret)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
        app.switch_page(f"pages/{page}.py")
        for name, value in parameters.items():
            app.query_params[f"{page}.{name}"] = value
        app.run()
        assert not app.exception
        return app

    return visit


def force(app: AppTest, key: str) -> None:
    """Press a button whether or not it is offered: a server that is written to knows of no disabled ones."""
    button = app.button(key=key)
    button.proto.disabled = False
    button.click().run()
    assert not app.exception


def disabled(app: AppTest) -> dict[str, bool]:
    return {str(one.key): one.disabled for one in app.button}


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, pool: Fake) -> None:
    monkeypatch.setattr(pool.runs, "status", lambda id: "running")


def test_the_owner_steers_and_others_watch(visit: Visit, pool: Fake, running: None) -> None:
    mine = visit(MINE, "train")
    mine.button(key="train.go").click().run()
    id = query(mine)["train.run"]
    assert not any(disabled(mine)[key] for key in STEERING[:-1])
    assert "begun elsewhere" not in texts(mine)
    tab = visit(MINE, "train", run=id)
    tab.button(key="train.pause").click().run()
    assert pool.asked[-1] == ("pause", id)

    other = visit(OTHER, "train", run=id)
    assert all(disabled(other)[key] for key in STEERING[:-1])
    assert disabled(other)["train.delete.go"]
    assert "begun elsewhere" in texts(other)
    assert not disabled(other)["train.again"]
    asked = len(pool.asked)
    for key in (*STEERING[:-1], "train.delete.go"):
        force(other, key)
    rate = other.selectbox(key="train.turned")
    assert rate.disabled
    rate.proto.disabled = False
    rate.select("0.01").run()
    assert len(pool.asked) == asked
    assert pool.runs.path(id)


def test_what_was_offered_before_is_refused(visit: Visit, pool: Fake, running: None) -> None:
    id = pool.runs.submit(Recipe(), owner=MINE)
    app = visit(MINE, "train", run=id)
    visit(OTHER, "train")  # from now on, all that is written comes from there
    app.button(key="train.pause").click().run()
    assert "begun elsewhere" in app.error[0].value
    assert pool.asked == []


@pytest.mark.parametrize("forged", ["", "m" * 42, "é" * 43])
def test_a_forged_secret_opens_nothing(visit: Visit, pool: Fake, running: None, forged: str) -> None:
    id = pool.runs.submit(Recipe(), owner=MINE)
    for secret in (forged, pool.runs.meta(id).owner):
        app = visit(secret, "train", run=id)
        assert disabled(app)["train.stop"]
        force(app, "train.stop")
        assert pool.asked == []


def test_what_is_nobodys_is_everybodys(visit: Visit, pool: Fake, running: None) -> None:
    id = pool.runs.submit(Recipe())
    for secret in (MINE, OTHER, ""):
        app = visit(secret, "train", run=id)
        app.button(key="train.stop").click().run()
        assert pool.asked.pop() == ("stop", id)


def test_the_presenter_may_do_all(
    visit: Visit, pool: Fake, running: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [pool.runs.submit(Recipe(), owner=owner) for owner in (MINE, "")]
    app = visit(OTHER, "train", run=ids[0])
    assert not [field for field in app.text_input if field.key == "presenter.typed"], (
        "there is no key to give"
    )
    monkeypatch.setenv(presenter.VARIABLE, "chalk and blackboard")
    monkeypatch.setattr(presenter, "_PAUSE", 0.0)
    for id in ids:  # what is nobody's is the presenter's then
        app = visit(OTHER, "train", run=id)
        assert disabled(app)["train.stop"]
        assert "or by the presenter" in texts(app)
        for key, opens in (("chalk", False), ("chalk and blackboard", True)):
            app.text_input(key="presenter.typed").set_value(key)
            app.button(key="presenter.give").click().run()
            assert disabled(app)["train.stop"] is not opens
        app.button(key="train.stop").click().run()
        assert pool.asked.pop() == ("stop", id)
    app.button(key="presenter.leave").click().run()
    assert disabled(app)["train.stop"]
    assert not disabled(visit(MINE, "train", run=ids[0]))["train.stop"], "owners stay owners"


def test_a_run_taken_over_is_ones_own(visit: Visit, pool: Fake) -> None:
    id = synthetic.write(pool.runs.root)
    meta = pool.runs.root / id / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"order": 1, "title": "ResNet on shapes"}))
    for epoch in range(5):
        (pool.runs.root / id / "checkpoints" / f"{epoch:04d}.safetensors").write_bytes(b"")
    app = visit(OTHER, "train", run=id)
    app.button(key="train.fork.go").click().run()
    new = query(app)["train.run"]
    assert marked(pool.runs.meta(new).owner, OTHER, new)


def test_of_a_race_each_steers_its_own_lanes(
    visit: Visit,
    pool: Fake,
    monkeypatch: pytest.MonkeyPatch,
    running: None,
) -> None:
    recipes = [replace(Recipe(), seed=1, epochs=epochs) for epochs in (2, 3)]
    ids = [
        pool.runs.submit(recipe, owner=owner) for recipe, owner in zip(recipes, (MINE, OTHER), strict=True)
    ]
    address = ";".join(ids)
    app = visit(MINE, "race", runs=address)
    assert "Some of these lanes" in texts(app)
    app.button(key="race.stop").click().run()
    assert pool.asked == [("stop", ids[0])]
    third = visit("t" * 43, "race", runs=address)
    assert disabled(third)["race.stop"]
    assert "This race was begun elsewhere" in texts(third)
    force(third, "race.stop")
    assert pool.asked == [("stop", ids[0])]


def test_an_ended_run_is_deleted_by_its_owner_alone(visit: Visit, pool: Fake) -> None:
    id = pool.runs.submit(Recipe(), owner=MINE)
    pool.runs.end(id, Done(epoch=0, step=0, reason="stopped"))
    force(visit(OTHER, "train", run=id), "train.delete.go")
    assert pool.runs.path(id)
    visit(MINE, "train", run=id).button(key="train.delete.go").click().run()
    assert pool.runs.list() == ()
