"""Activations as a section of a page: choice, point, depth, facts in words, and links to who uses them."""

import pytest
from streamlit.testing.v1 import AppTest

from ui import activations
from viz.activations import ACTIVATIONS, facts


def script() -> None:
    from ui import activations

    activations.render()


@pytest.fixture
def section(app: AppTest) -> AppTest:
    return AppTest.from_function(script, default_timeout=60)


def row(section: AppTest, name: str) -> dict[str, object]:
    assert not section.exception
    table = section.dataframe[0].value
    return dict(table[table["Function"] == name].iloc[0])


def test_values_and_slopes_at_the_point(section: AppTest) -> None:
    section.run()
    assert row(section, "sigmoid")["f(1.0)"] == pytest.approx(0.7311)
    section.select_slider(key="operators.act_x").set_value(0.0).run()
    sigmoid = row(section, "sigmoid")
    assert (sigmoid["f(0.0)"], sigmoid["f'(0.0)"]) == (0.5, 0.25)
    section.select_slider(key="operators.act_layers").set_value(1).run()
    assert row(section, "sigmoid")["Gradient, 1 layers"] == "0.25"
    assert len(section.get("plotly_chart")) == 2


def test_a_link_restores_the_choice_and_a_wrong_one_is_answered(section: AppTest) -> None:
    section.query_params["operators.act"] = ["tanh", "tahn"]
    section.run()
    assert section.dataframe[0].value["Function"].to_list() == ["tanh"]
    assert "Did you mean tanh" in section.warning[0].value.replace("\\", "")


def test_nothing_chosen(section: AppTest) -> None:
    section.run()
    section.pills(key="operators.act").set_value([]).run()
    assert not section.exception
    assert section.info[0].value == "Choose at least one function above."


def test_who_uses_them(section: AppTest) -> None:
    section.query_params["operators.act"] = ["ReLU6"]
    section.run()
    (users,) = (m.value for m in section.markdown if m.value.startswith("**ReLU6**"))
    assert users.startswith("**ReLU6**, 2 of ")
    assert "[MobileNetV2](/inspect?variant=mobilenet_v2_classroom)" in users


def test_facts_in_words() -> None:
    said = {name: activations._row(name, 1.0, [1.0]) for name in ACTIVATIONS}
    assert said["sigmoid"]["Largest slope"] == "0.25 at x = 0"
    assert said["relu"]["Largest slope"] == "1 for every x above 0"
    assert said["relu6"]["Largest slope"] == "1 for x from 0 to 6"
    assert said["h_sigmoid"]["Largest slope"] == "0.167 for x from −3 to 3"
    assert said["gelu"]["Values"] == "−0.17, no upper bound"
    assert said["sigmoid"]["Saturated"] == "below −4.6 and above 4.6"
    assert said["swish"]["Slope exactly 0"] == "nowhere"
    assert said["relu"]["Slope exactly 0"] == "below 0"
    assert facts("h_swish").dead_below == -3
