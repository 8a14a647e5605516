"""Train: the recipe in the address, its controls, the player in every state, what a run is good for."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests import synthetic
from training.lock import Lock
from training.recipe import Recipe
from training.runs import Runs, State, write_state
from ui import cached, recipes

Open = Callable[..., AppTest]


class Fake:
    """A pool that trains nothing and remembers what it was asked for."""

    def __init__(self, root: Path) -> None:
        self.runs = Runs(root)
        self.asked: list[tuple[Any, ...]] = []
        self.full = False
        self.cluster: SimpleNamespace | None = None

    def submit(self, recipe: Recipe, *, owner: str = "") -> str:
        if self.full:
            raise ValueError("32 runs are waiting already.")
        self.asked.append(("submit", recipe))
        return self.runs.submit(recipe, owner=owner)

    def fork(self, id: str, epoch: int, changes: dict[str, Any], *, owner: str = "") -> str:
        self.asked.append(("fork", id, epoch, changes))
        return self.runs.fork(id, epoch, changes, owner=owner)

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
        app.switch_page("pages/train.py")
        for name, value in query.items():
            app.query_params[f"train.{name}"] = value
        app.run()
        assert not app.exception
        return app

    return opened


@pytest.fixture
def run(pool: Fake) -> str:
    """A finished run of four epochs."""
    id = synthetic.write(pool.runs.root)
    meta = pool.runs.root / id / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"title": "ResNet on shapes"}))
    return id


def texts(app: AppTest) -> str:
    return "\n".join(
        str(one.value) for kind in (app.markdown, app.caption, app.error, app.info) for one in kind
    )


def query(app: AppTest) -> dict[str, str]:
    said = {name: value for name, value in app.query_params.items() if name.startswith("train.")}
    return {name: value if isinstance(value, str) else value[0] for name, value in said.items()}


def test_first_sight_is_ready_to_play(page: Open, pool: Fake) -> None:
    app = page()
    assert "learns 8 classes from 4,000 pictures of **Shapes**" in texts(app)
    assert "15 epochs of 63 steps" in texts(app)
    assert not app.button(key="train.go").disabled
    app.button(key="train.go").click().run()
    assert not app.exception
    assert pool.asked == [("submit", Recipe())]
    (id,) = (run.id for run in pool.runs.list())
    assert query(app) == {"train.run": id}
    assert app.title[0].value == "ResNet on shapes"
    assert "place 2 in the queue" in app.get("progress")[0].proto.text


def test_one_step_from_the_start(page: Open, pool: Fake) -> None:
    page(epochs="3").button(key="train.go one").click().run()
    assert pool.asked[0] == ("submit", Recipe(epochs=3))
    assert pool.asked[1][0] == "step"


def test_a_link_restores_a_recipe(page: Open, pool: Fake) -> None:
    app = page(batch="256", linear_scaling="on", variant="vgg_classroom", knobs="norm:none", flip="on")
    assert "0.05 × 256 / 64 = **0.2**" in texts(app)
    assert "VGG, classroom size" in texts(app)
    assert [box.value for box in app.selectbox if box.key == "train.batch"] == ["256"]
    app.button(key="train.go").click().run()
    ((_, recipe),) = pool.asked
    assert recipes.to_query(recipe) == {
        "train.batch": "256", "train.linear_scaling": "on", "train.variant": "vgg_classroom",
        "train.knobs": "norm:none", "train.flip": "on",
    }  # fmt: skip


def test_the_linear_scaling_rule_is_said_and_followed(page: Open) -> None:
    """Four workers: four batches at once, four times the rate, after a warm-up; then no button is left."""
    app = page(workers="4", rate="0.1", batch="32")
    assert "batch 4 × 32 = 128, rate 4 × 0.1 = **0.4**, warm-up of 5 epochs" in texts(app)
    assert "32 steps that 4 workers share" in texts(app)
    app.button(key="train.rule.follow").click().run()
    assert query(app) == {
        "train.workers": "4", "train.rate": "0.2", "train.batch": "32", "train.linear_scaling": "on",
        "train.warm_up": "5",
    }  # fmt: skip
    assert "rate 4 × 0.1 = **0.4**" in texts(app)
    assert not [button for button in app.button if button.key == "train.rule.follow"]


def test_controls_write_the_address(page: Open) -> None:
    app = page()
    app.selectbox(key="train.optimiser").select("adamw").run()
    app.selectbox(key="train.rate").select("0.003").run()
    assert query(app) == {"train.optimiser": "adamw", "train.rate": "0.003"}
    app.session_state["train.group.Regularisation"] = True
    app.run()
    app.selectbox(key="train.label_smoothing").select("0.1").run()
    assert query(app)["train.label_smoothing"] == "0.1"
    assert "label smoothing **0\\.1**" in texts(app)
    app.selectbox(key="train.variant").select("lenet_caffe").run()  # reads pictures of 28 pixels
    assert query(app)["train.size"] == "28"
    app.button(key="train.defaults").click().run()
    assert query(app) == {}
    assert app.selectbox(key="train.rate").value == "0.05"


def test_turning_a_knob(page: Open) -> None:
    app = page(epochs="3")
    app.session_state["train.turn"] = True
    app.run()
    app.select_slider(key="train.knob.width").set_value(8).run()
    assert query(app) == {"train.epochs": "3", "train.knobs": "width:8"}
    app.button(key="train.published").click().run()
    assert app.select_slider(key="train.knob.width").value == 16
    assert query(app)["train.epochs"] == "3"


def test_what_cannot_be_is_a_sentence(page: Open, pool: Fake) -> None:
    app = page(epochs="3", warm_up="5", norm="off", variant="vit_classroom", rate="fast", data="cats")
    said = texts(app)
    assert "A warm\\-up of 5 epochs leaves nothing of 3" in said
    assert "no batch norm that could be taken out" in said
    assert "from 0 to 100\\, not \\'fast\\'" in said
    assert "no data set called" in said
    assert app.button(key="train.go").disabled
    app.button(key="train.mend").click().run()
    assert query(app) == {"train.epochs": "3", "train.variant": "vit_classroom"}
    assert not app.button(key="train.go").disabled


def test_pictures_that_the_network_cannot_read(page: Open) -> None:
    app = page(variant="vgg_classroom", size="8")
    assert app.button(key="train.go").disabled
    assert app.error


def test_a_full_queue_is_a_sentence(page: Open, pool: Fake) -> None:
    pool.full = True
    app = page()
    app.button(key="train.go").click().run()
    assert "32 runs are waiting already" in texts(app)
    pool.full = False
    app.button(key="train.go").click().run()
    assert len(pool.asked) == 1


def test_a_recipe_from_a_file(page: Open) -> None:
    app = page()
    uploader = app.file_uploader(key="train.upload")
    uploader.upload("recipe.json", Recipe(epochs=3, flip=True).to_json().encode(), "application/json").run()
    assert query(app) == {"train.epochs": "3", "train.flip": "on"}
    app.file_uploader(key="train.upload").upload("recipe.json", b"[" * 9_000, "application/json").run()
    assert "This is no recipe" in texts(app)
    assert query(app) == {"train.epochs": "3", "train.flip": "on"}


def test_no_such_run(page: Open) -> None:
    app = page(run="../../etc")
    assert "There is no run called" in app.error[0].value
    assert not app.button(key="train.go").disabled


BUTTONS = {
    "queued": {"pause", "one step", "one epoch", "stop"},
    "starting": {"pause", "one step", "one epoch", "stop"},
    "running": {"pause", "one step", "one epoch", "stop"},
    "paused": {"play", "one step", "one epoch", "stop"},
    "interrupted": {"play", "one step", "one epoch", "stop"},
    "stopped": {"play"},
    "failed": {"play"},
    "finished": set(),
}


@pytest.mark.parametrize("status", BUTTONS)
def test_the_buttons_of_every_state(
    page: Open, pool: Fake, run: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool.runs, "status", lambda id: status)
    app = page(run=run)
    keys = {f"train.{name}" for name in set().union(*BUTTONS.values())}
    assert {str(one.key) for one in app.button} & keys == {f"train.{name}" for name in BUTTONS[status]}
    for key in sorted(keys & {str(one.key) for one in app.button if not one.disabled}):
        app.button(key=key).click().run()
        assert not app.exception
        assert pool.asked[-1] == (key.rpartition(" ")[2].removeprefix("train."), run)


def test_on_a_cluster_one_sees_where_a_run_trains(
    page: Open, pool: Fake, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And why it does not begin. Without a cluster nothing is said of machines."""
    with Lock(pool.runs.path(run) / "lock") as lock:
        write_state(lock, State(status="running", machine="node7"))
    monkeypatch.setattr(pool.runs, "status", lambda id: "running")
    app = page(run=run)
    assert "node7" not in str(app.get("progress")[0].proto)
    pool.cluster = SimpleNamespace(trouble="")
    assert " · on node7" in str(app.run().get("progress")[0].proto)
    monkeypatch.setattr(pool.runs, "status", lambda id: "queued")
    assert "others are training on the cluster" in texts(app.run())
    pool.cluster.trouble = "The cluster cannot be reached."
    assert "The cluster cannot be reached." in texts(app.run())


def test_turning_the_rate(page: Open, pool: Fake, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool.runs, "status", lambda id: "running")
    app = page(run=run)
    app.selectbox(key="train.turned").select("0.01").run()
    assert pool.asked == [("rate", run, 0.01)]
    assert app.selectbox(key="train.turned").value is None
    app.button(key="train.times 0.1").click().run()
    assert pool.asked[-1] == ("rate", run, pytest.approx(0.05 * (1 - 19 / 20) / 10))


def test_the_recipe_of_a_run_again(page: Open, run: str) -> None:
    app = page(run=run)
    assert "epochs 4" in texts(app)
    app.button(key="train.again").click().run()
    assert query(app) == {"train.epochs": "4", "train.images": "320", "train.validation": "100"}
    assert app.button(key="train.go")


def test_taking_over(page: Open, pool: Fake, run: str) -> None:
    for epoch in range(5):
        (pool.runs.root / run / "checkpoints" / f"{epoch:04d}.safetensors").write_bytes(b"")
    app = page(run=run)
    app.selectbox(key="train.fork.epoch").select(2)
    app.number_input(key="train.fork.rate").set_value(0.01)
    app.button(key="train.fork.go").click().run()
    assert pool.asked == [("fork", run, 2, {"epochs": 9, "rate": 0.01})]
    new = query(app)["train.run"]
    assert pool.runs.meta(new).parent == f"{run}@2"
    assert pool.runs.recipe(new).epochs == 9


def test_deleting(page: Open, pool: Fake, run: str) -> None:
    app = page(run=run)
    app.button(key="train.delete.go").click().run()
    assert not app.exception
    assert pool.runs.list() == ()
    assert query(app) == {}
    assert app.button(key="train.go")


def test_the_list_has_what_is_under_way_first(page: Open, pool: Fake, run: str) -> None:
    pool.runs.submit(Recipe(epochs=2))
    app = page()
    said = texts(app)
    assert said.index("Queued") < said.index("Finished")


def test_of_many_runs_the_oldest_are_drawn_when_they_are_asked_for(page: Open, pool: Fake) -> None:
    for _ in range(9):
        pool.runs.submit(Recipe(epochs=2))
    app = page()
    (more,) = [each for each in app.expander if each.label == "3 more"]
    assert texts(app).count("Queued") == 6
    assert not more.children
    app.session_state["train.more"] = True
    app.run()
    assert texts(app).count("Queued") == 9


def test_from_a_run_to_another_and_to_a_recipe(page: Open, pool: Fake, run: str) -> None:
    """What the view of a run has in the address is its own: it neither follows nor stands in the way."""
    short = synthetic.write(pool.runs.root, "short", synthetic.events(1), epochs=1)
    meta = (pool.runs.root / run / "meta.json").read_text()
    (pool.runs.root / short / "meta.json").write_text(meta)
    app = page(run=run, over="epochs", epoch="3")
    assert app.select_slider(key="train.epoch").value == "3"
    app.query_params["train.run"] = short
    app.run()
    assert not app.exception
    assert [slider.value for slider in app.select_slider if slider.key == "train.epoch"] == ["newest"]
    app.button(key="train.again").click().run()
    assert not app.exception
    assert query(app) == {"train.epochs": "1", "train.images": "320", "train.validation": "100"}
