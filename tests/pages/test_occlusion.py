"""The page Occlusion: maps of a real network, links, long work, and what is not defined for a network."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

import zoo
from tests.waiting import until
from ui import (
    cached,
    occlusion,
    occlusion_elsewhere,
    occlusion_sheet,
    occlusion_work,
    photo,
    samples,
    subject,
)
from ui.apart import Apart
from ui.background import Background
from viz.occlusion import occlude

NET = "resnet_classroom,weights:shipped:resnet_shapes"
SILU = "efficientnet_classroom"


@pytest.fixture(autouse=True)
def own_results(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    jobs = Background(1, opened=4, patience=20.0)
    monkeypatch.setattr(cached, "occlusions", lambda: jobs)
    yield
    jobs.close()


def opened(app: AppTest, **query: str) -> AppTest:
    app.run()
    app.switch_page("pages/occlusion.py")
    for name, value in ({"net": NET} | query).items():
        app.query_params[f"occlusion.{name}"] = value
    app.run()
    assert not app.exception
    return app


def finished(page: AppTest, words: str = "places in") -> AppTest:
    end = time.monotonic() + 60
    while words not in said(page):
        assert time.monotonic() < end, said(page)
        time.sleep(0.05)
        page.run()
        assert not page.exception
    return page


def said(page: AppTest) -> str:
    return "\n".join(text.value for text in page.markdown)


def sheet(page: AppTest) -> dict[str, Any]:
    (component,) = page.get("bidi_component")
    return json.loads(component.proto.json)


def test_the_maps_are_what_the_method_finds(app: AppTest) -> None:
    page = finished(opened(app))
    drawn = sheet(page)["sheet"]
    panels = {panel["key"]: panel for panel in drawn["panels"]}
    loaded = zoo.load(subject.parse(NET))
    image = loaded.preprocess(photo.samples()["cat"].image)
    with torch.no_grad():
        target = int(loaded.model(image).argmax())
    found = occlude(loaded.model, image, target, drawn["size"], drawn["xs"][1], preprocess=loaded.preprocess)
    assert (tuple(drawn["ys"]), tuple(drawn["xs"])) == (found.ys, found.xs)
    for key, values in (("probability", found.probability), ("score", found.score)):
        np.testing.assert_allclose(panels[key]["values"], values.ravel(), rtol=1e-3, atol=1e-4)
    assert drawn["says"] == [loaded.labels[each] for each in found.label.ravel()]
    assert list(panels) == ["activation", "projection", "probability", "label", "score"]
    assert all(panel["image"].startswith("data:image/png") for panel in panels.values())
    assert "Exact" in said(page)


def test_a_link_restores_the_view(app: AppTest) -> None:
    page = finished(
        opened(app, size="1/4", stride="1", fill="Black", view="Averaged over overlaps", square="8.16")
    )
    data = sheet(page)
    assert data["sheet"]["size"] == round(data["sheet"]["side"][0] / 4)
    assert data["at"] == [8, 16]
    assert data["answer"]["at"] == [8, 16]
    assert len(data["sheet"]["tints"]) == 1
    assert not page.warning


@pytest.mark.parametrize("square", ["x", "1", "-1.2", "1.2.3", "99999.1", "<b>.1"])
def test_odd_places(app: AppTest, square: str) -> None:
    page = finished(opened(app, square=square))
    (warning,) = page.warning
    assert "There is no place" in warning.value


@pytest.mark.parametrize("fill", ["Blur", "Noise", "Local mean"])
def test_what_fills_the_square_is_shown(app: AppTest, fill: str) -> None:
    drawn = sheet(finished(opened(app, fill=fill, stride="1")))["sheet"]
    places = len(drawn["ys"]) * len(drawn["xs"])
    assert drawn["tints"] is None if drawn["cover"] else len(drawn["tints"]) == places


def test_long_work_says_how_long_and_waits_for_a_word(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occlusion, "_QUICK", 0.0)
    page = finished(opened(app, stride="1/8"), "would take about")
    drawn = sheet(page)["sheet"]
    assert None in drawn["says"]
    assert any(drawn["says"])
    page.button(key="occlusion.start").click().run()
    assert None not in sheet(finished(page))["sheet"]["says"]


def test_a_few_places_have_all_their_panels(app: AppTest) -> None:
    drawn = sheet(finished(opened(app, size="1/2", stride="1")))["sheet"]
    assert (len(drawn["ys"]), len(drawn["xs"])) == (2, 2)
    assert all(panel["image"] for panel in drawn["panels"] if panel["key"] == "projection")


def whose() -> Iterator[int]:
    yield os.getpid()


def test_what_computes_is_killed(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    apart = Apart("ui.occlusion_work")
    monkeypatch.setattr(cached, "apart", lambda: apart)
    (process,) = apart.rounds(whose)
    os.kill(process, signal.SIGSTOP)  # so that it surely has not finished
    page = opened(app)
    os.kill(process, signal.SIGKILL)
    until(lambda: bool(page.run().error))
    assert "most likely because memory ran out" in page.error[0].value
    page.button(key="occlusion.retry").click().run()
    assert None not in sheet(finished(page))["sheet"]["says"]
    apart.close()


def test_a_rule_that_is_not_defined_says_so(app: AppTest) -> None:
    drawn = sheet(finished(opened(app, net=SILU)))["sheet"]
    (panel,) = [panel for panel in drawn["panels"] if panel["key"] == "projection"]
    assert panel["image"] is None
    assert "Not defined for SiLU" in panel["why"]


@pytest.mark.parametrize("token", ["cat", "shapes:3:2"])
def test_the_map_on_other_pictures(app: AppTest, token: str) -> None:
    page = finished(opened(app, photo=token, stride="1"))
    assert re.search(r"\(c\) Map \d+ on other pictures", said(page))
    (caption,) = [each.value for each in page.caption if each.value.startswith("From the left")]
    names = re.findall(r"(\w+) \([\d.e+]+\)", caption.replace("\\", ""))
    assert 0 < len(names) <= 6
    titles = {part.title for part in samples.parts()} - {"Cat"}
    assert set(names) <= (set(cached.items("shapes", "").classes) if ":" in token else titles)


def test_other_pictures_than_the_one_looked_at() -> None:
    chosen = zoo.load(subject.parse(NET))
    item = cached.items("shapes", "").photo(2, 1)
    others = occlusion_elsewhere.pictures(item, chosen.preprocess)
    assert len(others) > 20
    assert all(samples.digest(image) != item.digest for _, image in others)
    found = occlude(chosen.model, chosen.preprocess(item.image), 2, 16, 16)
    seen = occlusion_work.look_elsewhere(chosen.model, chosen.preprocess, others, found)
    strengths = [each.projection.activation for each in seen]
    assert strengths == sorted(strengths, reverse=True)
    for each in seen:
        left, top, right, bottom = each.projection.box
        assert each.patch.size == (right - left, bottom - top)
    made = occlusion_elsewhere.drawn(seen)
    assert made.width > made.height > 200


def test_the_code_repeats_the_numbers(app: AppTest) -> None:
    page = finished(opened(app, stride="1"))
    drawn = sheet(page)["sheet"]
    (code, *_) = page.code
    scope: dict[str, Any] = {}
    exec(code.value, scope)
    panels = {panel["key"]: panel["values"] for panel in drawn["panels"]}
    np.testing.assert_allclose(
        panels["probability"], scope["found"].probability.ravel(), rtol=1e-3, atol=1e-4
    )


def test_numbers_and_pictures_to_take_away() -> None:
    chosen = subject.Subject(subject.parse(NET), zoo.load(subject.parse(NET)), "ResNet", True)
    cat = photo.samples()["cat"]
    image = chosen.loaded.preprocess(cat.image)
    found = occlude(chosen.loaded.model, image, 2, 8, 8)
    shown = occlusion_sheet.Shown(subject=chosen, photo=cat, target=2, view="averaged", fill="mean")
    rows = occlusion_sheet.table(found, shown)
    assert len(rows) == found.score.size
    assert rows[0]["score_of_class"] == pytest.approx(float(found.score[0, 0]))
    assert rows[0]["most_probable"] == chosen.loaded.labels[found.label[0, 0]]
    assert "square of 8 px every 8 px" in occlusion_sheet.footer(found, shown)
    first, *_ = occlusion_sheet.panels(found, None, shown)
    assert first.key == "activation"
