"""The page of scaling laws: every law draws, sliders and presets change numbers, links restore."""

import pytest
from streamlit.testing.v1 import AppTest

from zoo.scaling import LAWS


@pytest.fixture
def page(app: AppTest) -> AppTest:
    app.run()
    return app.switch_page("pages/scaling.py")


def metric(page: AppTest, label: str) -> str:
    return next(one.value for one in page.metric if one.label == label)


@pytest.mark.parametrize("key", LAWS)
def test_every_law_has_its_figures_sliders_and_words(page: AppTest, key: str) -> None:
    law = LAWS[key]
    page.query_params["scaling.law"] = law.title
    page.run(timeout=60)
    assert not page.exception
    assert not page.warning
    assert [slider.label for slider in page.select_slider] == [slider.label for slider in law.sliders]
    view = law.view(law.defaults, next(iter(law.quantities)))
    assert len(page.get("plotly_chart")) == len(view.charts)
    assert any("Open in Inspect" in text.value for text in page.markdown)
    assert any("by the formula" in text.value for text in page.markdown)


def test_the_constraint_is_live(page: AppTest) -> None:
    page.run(timeout=60)
    assert metric(page, "α · β² · γ²") == "1.920"
    page.select_slider(key="scaling.compound.alpha").set_value(2.0).run(timeout=60)
    assert metric(page, "α · β² · γ²") == "3.200"
    page.select_slider(key="scaling.compound.beta").set_value(1.0).run(timeout=60)
    page.select_slider(key="scaling.compound.gamma").set_value(1.0).run(timeout=60)
    assert metric(page, "α · β² · γ²") == "2.000"


def test_a_preset_sets_the_sliders(page: AppTest) -> None:
    page.query_params["scaling.law"] = "RegNet"
    page.run(timeout=60)
    page.selectbox(key="scaling.preset").set_value("RegNetX-200MF").run(timeout=60)
    assert not page.exception
    assert page.select_slider(key="scaling.regnet.wa").value == 36.44
    assert metric(page, "Parameters") == "2.68 M"
    assert page.selectbox(key="scaling.preset").value is None
    assert any("Open in Inspect: [RegNetX-200MF]" in text.value for text in page.markdown)


def test_a_link_restores_the_view(page: AppTest) -> None:
    page.query_params["scaling.law"] = "ResNeXt"
    page.query_params["scaling.resnext.paths"] = "8"
    page.query_params["scaling.resnext.width"] = "14"
    page.query_params["scaling.resnext.axis"] = "MACs"
    page.run(timeout=60)
    assert metric(page, "Weights of a block") == "71,456"
    assert page.segmented_control(key="scaling.resnext.axis").value == "macs"


def test_a_wrong_address_gets_a_sentence(page: AppTest) -> None:
    page.query_params["scaling.law"] = "RegNot"
    page.query_params["scaling.compound.phi"] = "seven"
    page.run(timeout=60)
    assert not page.exception
    said = " ".join(warning.value for warning in page.warning)
    assert "RegNot" in said
    assert "seven" in said


def test_between_the_steps_of_inspect(page: AppTest) -> None:
    page.query_params["scaling.compound.phi"] = "2.5"
    page.run(timeout=60)
    assert any("Between the steps" in text.value for text in page.markdown)
