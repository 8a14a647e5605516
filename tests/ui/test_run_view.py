"""What one sees of a run: values, curves and panels of the epoch that the slider stands at."""

from itertools import islice
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests import synthetic


def script(root: str, id: str) -> None:
    from pathlib import Path

    from tests.synthetic import Folders
    from ui import run_view

    run_view.view(Folders(Path(root)), id, page="train")


@pytest.fixture
def root(tmp_path: Path, app: AppTest) -> Path:
    return tmp_path


def seen(root: Path, id: str = "made-up") -> AppTest:
    return AppTest.from_function(script, kwargs={"root": str(root), "id": id}, default_timeout=60)


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
    assert len(view.get("plotly_chart")) >= 3


def test_a_link_names_an_epoch(root: Path) -> None:
    view = seen(root, synthetic.write(root))
    view.query_params["train.epoch"] = "2"
    assert values(view.run())["Epoch"] == "2 of 4"


@pytest.mark.parametrize("told", [0, 1, 2, 3, 5, 9])
def test_a_run_that_has_just_begun(root: Path, told: int) -> None:
    view = seen(root, synthetic.write(root, told=islice(synthetic.events(), told))).run()
    assert not view.exception
    assert bool(view.info) == (told == 0)
    if told:
        assert values(view)["Epoch"] == "0 of 4"


def test_a_run_that_failed_says_why(root: Path) -> None:
    from training.events import Failed

    told = [*islice(synthetic.events(), 6), Failed(step=3, reason="The loss is *no number*.")]
    view = seen(root, synthetic.write(root, told=iter(told))).run()
    assert not view.exception
    assert "The loss is" in view.error[0].value
    assert len(view.get("plotly_chart")) >= 3
