"""The page of building blocks: every operator by its address, controls, links, and what is impossible."""

import pytest
from streamlit.testing.v1 import AppTest

from ui.operators import steps_table
from viz.operators import OPERATORS


def opened(app: AppTest, **query: str) -> AppTest:
    app.run()
    app.switch_page("pages/operators.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def at(key: str, **turned: str) -> dict[str, str]:
    """The address of an operator with what has been turned."""
    group = OPERATORS[key].group
    operator = {"operators.kind": group, f"operators.{group.split()[0].lower()}": OPERATORS[key].title}
    return operator | {f"operators.{key}.{name}": value for name, value in turned.items()}


def said(page: AppTest) -> str:
    return "\n".join(text.value for text in page.markdown)


@pytest.mark.parametrize("key", OPERATORS)
def test_every_operator_has_its_address(app: AppTest, key: str) -> None:
    page = opened(app, **at(key))
    assert not page.warning
    operator = OPERATORS[key]
    assert f"**{operator.title}.** {operator.idea}" in said(page)
    walk = operator.walk({turn.name: turn.default for turn in operator.turns})
    assert walk.remark in said(page)
    for cost in walk.costs:
        assert f"| **{cost.name}** | **{cost.params:,}** | **{cost.macs:,}** |" in said(page)


def test_a_link_restores_what_was_turned(app: AppTest) -> None:
    page = opened(app, **at("separable", outputs="8"))
    assert "1/N + 1/Dk² = 1/8 + 1/9 = 0.236" in said(page)
    page.select_slider(key="operators.separable.outputs").set_value(1.0).run()
    assert "= 1.111 of the MACs" in said(page)


def test_what_is_impossible_says_why(app: AppTest) -> None:
    page = opened(app, **at("conv", size="5", dilation="3"))
    assert "spans 13 pixels" in page.error[0].value
    page.select_slider(key="operators.conv.dilation").set_value(1.0).run()
    assert not page.error


@pytest.mark.parametrize("step", ["", "conv", "conv.", "conv.0", "conv.99999999", "conv.-1", "se.7", "<b>.1"])
def test_odd_addresses(app: AppTest, step: str) -> None:
    page = opened(app, step=step, **{"operators.conv.size": "4"})
    size, *others = (warning.value.replace("\\", "") for warning in page.warning)
    assert "operators.conv.size" in size
    fits = step in ("", "conv.0", "se.7")  # nothing, one that is brought into reach, one of another operator
    assert others == ([] if fits else [f"There is no step {step!r}. Here they go from conv.1 to conv.36."])
    assert "6 pixels a side" in said(page)


def test_the_table_of_steps() -> None:
    walk = OPERATORS["pool"].walk({"kind": "max", "size": 3, "stride": 2, "padding": 0})
    rows = steps_table(walk)
    assert len(rows) == 9
    assert rows[0]["arithmetic"] == "the largest of 9 is 0.8"
    assert float(str(rows[0]["result"])) == pytest.approx(0.8)
