"""Ladders: every rung of every ladder shows, climbing goes both ways, and addresses are answered for."""

import pytest
from streamlit.testing.v1 import AppTest

import zoo
from ui.ladders import ladder_rows
from zoo.ladders import LADDERS, Ladder

RESIDUAL = next(iter(LADDERS.values()))


@pytest.fixture
def page(app: AppTest) -> AppTest:
    app.run()
    app.switch_page("pages/ladders.py").run()
    assert not app.exception
    return app


def heading(page: AppTest) -> str:
    assert not page.exception
    return next(header.value for header in page.header)


@pytest.mark.parametrize("ladder", LADDERS.values(), ids=LADDERS)
def test_every_rung(page: AppTest, ladder: Ladder) -> None:
    page.segmented_control(key="ladders.ladder").set_value(ladder.key).run()
    for number, rung in enumerate(ladder.rungs, start=1):
        page.pills(key="ladders.rung").set_value(rung.slug).run()
        assert heading(page) == f"{number} of {len(ladder.rungs)}: {rung.name}"
        assert rung.edit in [text.value for text in page.markdown]
        assert not page.warning
        metrics = {metric.label: metric for metric in page.metric}
        assert bool(metrics["Parameters"].delta) == bool(metrics["MACs"].delta) == (number > 1)
        published = zoo.variant(rung.variant).published
        assert published
        top1 = f"{published.top1:.1f} %" if published.top1 else "–"
        assert metrics["Published top-1"].value == top1
    assert len(page.get("plotly_chart")) == 3


def test_climbing(page: AppTest) -> None:
    assert heading(page) == "2 of 9: plain-34"
    page.button(key="ladders.next").click().run()
    assert heading(page) == "3 of 9: ResNet-34"
    assert page.query_params["rung"] == "resnet-34"
    page.button(key="ladders.previous").click().run()
    page.button(key="ladders.previous").click().run()
    assert heading(page) == "1 of 9: VGG-19"
    assert page.button(key="ladders.previous").disabled
    page.pills(key="ladders.rung").set_value("resnest").run()
    assert page.button(key="ladders.next").disabled


def test_another_ladder_starts_at_its_first_edit(page: AppTest) -> None:
    page.pills(key="ladders.rung").set_value("resnest").run()
    page.segmented_control(key="ladders.ladder").set_value("mobile").run()
    assert heading(page) == "2 of 3: MobileNet V2"
    assert not page.warning
    assert "rung" not in page.query_params


def test_one_size_for_all_where_sizes_differ(page: AppTest) -> None:
    assert not any(control.key == "ladders.size" for control in page.segmented_control)
    page.segmented_control(key="ladders.ladder").set_value("inception").run()
    page.pills(key="ladders.rung").set_value("inception-v3").run()
    before = {metric.label: metric.value for metric in page.metric}
    page.segmented_control(key="ladders.size").set_value("224").run()
    after = {metric.label: metric.value for metric in page.metric}
    assert (before["Image"], after["Image"]) == ("299 px", "224 px")
    assert before["Parameters"] == after["Parameters"]
    assert before["MACs"] != after["MACs"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"ladder": "residuals"}, "Did you mean residual?"),
        ({"rung": "resnet34"}, "Did you mean resnet-34?"),
        ({"ladder": "inception", "size": "<b>"}, "Known are own, 224"),
    ],
)
def test_odd_addresses(app: AppTest, query: dict[str, str], sentence: str) -> None:
    app.run()
    app.switch_page("pages/ladders.py")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert [sentence in warning.value.replace("\\", "") for warning in app.warning] == [True]


def test_the_table_holds_the_counts(page: AppTest) -> None:
    from ui import cached

    rows = ladder_rows(cached.steps(RESIDUAL.key, None))
    assert [row["Parameters"] for row in rows] == [
        published.params for rung in RESIDUAL.rungs if (published := zoo.variant(rung.variant).published)
    ]
    assert list(page.dataframe[0].value["Parameters"]) == [row["Parameters"] for row in rows]
    assert rows[0]["MACs, change"] is None
