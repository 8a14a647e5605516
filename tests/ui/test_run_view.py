"""What one sees of a run: values, curves and panels of the epoch that the slider stands at."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from streamlit.testing.v1 import AppTest

from tests import synthetic
from tests.synthetic import HANDFUL, STAGES
from training.events import Failed
from training.runs import Runs
from training.shapes import CLASSES
from ui import run_panels
from ui.live import Log, Logs
from ui.run_panels import Moment


def script(root: str, id: str) -> None:
    from pathlib import Path

    from training.runs import Runs
    from ui import run_view

    run_view.view(Runs(Path(root)), id, page="train")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where data sets are kept: drawn once for all tests."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def root(tmp_path: Path, app: AppTest, data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOOLENS_DATA", str(data))
    return tmp_path


def seen(root: Path, id: str = "made-up") -> AppTest:
    return AppTest.from_function(script, kwargs={"root": str(root), "id": id}, default_timeout=60)


def html(view: AppTest) -> str:
    """The panel that is open, where it is neither chart nor words."""
    assert not view.exception
    return "".join(element.proto.body for element in view.get("html"))


def values(view: AppTest) -> dict[str, str]:
    assert not view.exception
    return {metric.label: metric.value for metric in view.metric}


def test_the_newest_epoch_and_one_that_is_chosen(root: Path) -> None:
    view = seen(root, synthetic.write(root)).run()
    assert values(view)["Epoch"] == "4 of 4"
    assert values(view)["Validation accuracy"] == "85.0%"
    assert values(view)["Images a second"] == "6,400"
    view.select_slider(key="train.epoch").set_value("1").run()
    assert values(view)["Epoch"] == "1 of 4"
    assert values(view)["Validation accuracy"] == "40.0%"
    assert values(view)["Training accuracy"] == "22.5%"
    view.segmented_control(key="train.over").set_value("epochs").run()
    view.toggle(key="train.log").set_value(True).run()
    assert values(view)["Epoch"] == "1 of 4"
    assert len(view.get("echarts_chart")) == 3


def test_a_link_names_an_epoch(root: Path) -> None:
    view = seen(root, synthetic.write(root))
    view.query_params["train.epoch"] = "2"
    assert values(view.run())["Epoch"] == "2 of 4"


@pytest.mark.parametrize("told", [0, 1, 2, 3, 5, 9])
def test_a_run_that_has_just_begun(root: Path, told: int) -> None:
    view = seen(root, synthetic.write(root, told=islice(synthetic.events(), told))).run()
    assert not view.exception
    assert bool(view.info) == (told < 2)  # before the first evaluation
    if told:
        assert values(view)["Epoch"] == "0 of 4"


def test_a_run_that_failed_says_why(root: Path) -> None:
    told = [*islice(synthetic.events(), 6), Failed(step=3, reason="The loss is *no number*.")]
    view = seen(root, synthetic.write(root, told=iter(told))).run()
    assert not view.exception
    assert "The loss is" in view.error[0].value
    assert len(view.get("echarts_chart")) == 3


def test_panels_follow_the_slider(root: Path) -> None:
    view = seen(root, synthetic.write(root)).run()
    drawn = {}
    for epoch in ("newest", "1"):
        view.select_slider(key="train.epoch").set_value(epoch)
        for look in ("predictions", "filters", "maps", "wrong"):
            view.segmented_control(key="train.look").set_value(look).run()
            drawn[epoch, look] = html(view)
            assert "data:image/png;base64," in drawn[epoch, look]
        for look in ("confusion", "layers"):
            view.segmented_control(key="train.look").set_value(look).run()
            assert not view.exception
            assert len(view.get("plotly_chart")) == 1
    assert len(set(drawn.values())) == 8
    for quantity in ("change", "dead"):
        view.segmented_control(key="train.look").set_value("layers").run()
        view.segmented_control(key="train.quantity").set_value(quantity).run()
        assert len(view.get("plotly_chart")) == 1


def test_without_a_convolution_and_without_the_pictures(root: Path) -> None:
    told = [*synthetic.events()]
    id = synthetic.write(root, told=iter(told))
    for file in (root / id / "snapshots").iterdir():
        arrays = {name: each for name, each in Runs(root).snapshot(id, int(file.stem)).items()}
        del arrays["filters"]
        save_file(arrays, file)
    recipe = root / id / "recipe.json"
    recipe.write_text(recipe.read_text().replace('"shapes"', '"unheard-of"'))
    view = seen(root, id).run()
    assert "There is no data set called" in view.info[0].value.replace("\\", "")
    assert "No. 3" in html(view)
    view.segmented_control(key="train.look").set_value("filters").run()
    assert "no convolution" in view.info[0].value
    for look in ("maps", "wrong"):
        view.segmented_control(key="train.look").set_value(look).run()
        assert not view.exception


def log(root: Path) -> Log:
    return Logs().read(Runs(root), synthetic.write(root, told=synthetic.events(epochs=3)))


def moment(root: Path, **changed: object) -> Moment:
    arrays = synthetic.snapshot(3)
    found: dict[str, object] = {
        "run": ("", "made-up"), "log": log(root), "classes": CLASSES, "handful": HANDFUL, "stages": STAGES,
        "epoch": 3, "arrays": arrays, "first": synthetic.snapshot(0),
        "images": np.zeros((20, 3, 4, 4), dtype=np.uint8), "labels": np.arange(20) % 8, "why": "",
        "page": "train",
    }  # fmt: skip
    return Moment(**found | changed)  # type: ignore[arg-type]


def test_a_card_has_a_bar_for_every_class_and_marks_the_true_one(tmp_path: Path) -> None:
    cards = run_panels.cards(moment(tmp_path))
    assert cards.count('class="zl-card"') == len(HANDFUL)
    assert cards.count("<i style=") == len(HANDFUL) * len(CLASSES)
    assert cards.count("zl-bar true") == len(HANDFUL)
    assert 'alt="Validation picture 3: triangle"' in cards


def test_of_many_classes_the_likeliest_and_the_true_one_have_a_bar(tmp_path: Path) -> None:
    probabilities = np.zeros((4, 20), dtype=np.float16)
    probabilities[:, 19] = 1
    names = tuple(f"class {n}" for n in range(20))
    cards = run_panels.cards(moment(tmp_path, classes=names, arrays={"probabilities": probabilities}))
    assert cards.count("<i style=") == 3 * 5 + 6  # of the true ones 4 is not among 19, 0, 1, 2, 3
    assert cards.count(">100%<") == len(HANDFUL)


def test_names_of_classes_are_not_markup(tmp_path: Path) -> None:
    names = tuple(f"<b onclick=x>{n}" for n in range(8))
    evil = moment(tmp_path, classes=names)
    for made in (run_panels.cards(evil), run_panels.mistakes(evil)):
        assert "<b onclick" not in made
        assert "&lt;b onclick" in made


def test_pairs_that_are_confused() -> None:
    counts = np.array([[5, 2, 0], [0, 9, 0], [4, 1, 3]])
    assert run_panels.pairs(counts, ("a", "b", "c")).splitlines() == [
        "- c taken for a: 4 of 8", "- a taken for b: 2 of 7", "- c taken for b: 1 of 8",
    ]  # fmt: skip
    assert run_panels.pairs(np.eye(3, dtype=int), ("a", "b", "c")) == "- nothing"


def test_strips_have_a_row_for_each_layer_and_a_column_for_each_epoch(tmp_path: Path) -> None:
    seen = log(tmp_path)
    gradient = run_panels.strip(seen, "gradient")
    assert gradient is not None
    assert (gradient.layers, gradient.epochs) == (synthetic.LAYERS, (1, 2, 3))
    assert np.allclose(gradient.values[1], [1e-2, 1e-3, 1e-4])
    dead = run_panels.strip(seen, "dead")
    assert dead is not None
    assert (dead.layers, dead.epochs) == (synthetic.ACTIVATIONS, (0, 1, 2, 3))
    np.testing.assert_allclose(dead.values, np.array([[0.0] * 4, [0.0, 0.1, 0.2, 0.3]]))
    assert run_panels.strip(seen.until(0), "change") is None
