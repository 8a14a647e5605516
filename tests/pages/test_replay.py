"""Recordings: chosen, played, moved and taken over, from the log alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.test_race import Fake
from training.replay import RECORDINGS
from training.runs import Runs
from ui import cached, replay

Open = Callable[..., AppTest]


class Forking(Fake):
    def fork(self, id: str, epoch: int, changes: dict[str, float], *, source: Runs, owner: str = "") -> str:
        self.asked.append(("fork", id, epoch, changes))
        return self.runs.fork(id, epoch, changes, source=source, owner=owner)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Forking:
    fake = Forking(tmp_path / "runs")
    monkeypatch.setattr(cached, "pool", lambda: fake)
    return fake


@pytest.fixture
def page(app: AppTest, pool: Forking) -> Open:
    def opened(of: str = "") -> AppTest:
        app.run()
        app.switch_page("pages/replay.py")
        if of:
            app.query_params["replay.of"] = of
        app.run()
        assert not app.exception
        return app

    return opened


def test_every_recording_plays(page: Open) -> None:
    shown = page()
    for key, recording in replay.recordings().items():
        shown.selectbox(key="replay.which").set_value(key).run()
        assert not shown.exception
        shown.button(key="replay.end").click().run()
        assert not shown.exception
        assert shown.slider(key="replay.at").value == pytest.approx(
            max(cached.logs().read(RECORDINGS, id).t for id in recording.runs), abs=0.5
        )
        assert shown.button(key="replay.play").label == "Play"


def test_a_moment_shows_the_run_as_it_was_then(page: Open) -> None:
    shown = page("shapes")
    accuracy = [metric.value for metric in shown.metric if metric.label == "Validation accuracy"]
    end = cached.logs().read(RECORDINGS, "shapes").t
    shown.slider(key="replay.at").set_value(end).run()
    assert [metric.value for metric in shown.metric if metric.label == "Validation accuracy"] != accuracy
    assert any(metric.value == "15 of 15" for metric in shown.metric)


def test_play_and_pause(page: Open) -> None:
    shown = page("shapes")
    shown.button(key="replay.play").click().run()
    assert shown.button(key="replay.play").label == "Pause"
    shown.button(key="replay.play").click().run()
    assert shown.button(key="replay.play").label == "Play"
    assert 0 <= float(str(shown.slider(key="replay.at").value)) < 400


def test_a_lane_opens_its_race(page: Open) -> None:
    shown = page("activation-2")
    assert shown.selectbox(key="replay.which").value == "activation"
    assert any(each.value.startswith("| Lane | State") for each in shown.markdown)


def test_a_wrong_name_gets_a_sentence(page: Open) -> None:
    shown = page("gone")
    assert "gone" in shown.warning[0].value


def test_taking_over_begins_a_run_of_ones_own(page: Open, pool: Forking) -> None:
    shown = page("shapes")
    shown.selectbox(key="replay.from.shapes").set_value(2).run()
    shown.number_input(key="replay.rate.shapes").set_value(0.01).run()
    shown.button(key="replay.go").click().run()
    assert not shown.exception
    assert pool.asked == [("fork", "shapes", 2, {"rate": 0.01})]
    (run,) = pool.runs.list()
    assert run.meta is not None
    assert run.meta.parent == "shapes@2"
