"""The page of proofs: counts of each kind, filters, the CSV's rows, and what the minute taught."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ui import proof
from zoo import VARIANTS


@pytest.fixture
def page(app: AppTest) -> AppTest:
    app.run()
    app.switch_page("pages/proof.py").run()
    assert not app.exception
    return app


def shown(page: AppTest) -> list[str]:
    """The networks in the table."""
    assert not page.exception
    return [link.rpartition("=")[2] for link in page.dataframe[0].value["Network"]]


def test_every_network_is_there_and_the_headline_counts_them(page: AppTest) -> None:
    assert shown(page) == list(VARIANTS)
    numbers = {metric.label: int(metric.value) for metric in page.metric}
    assert list(numbers) == list(proof.KINDS.values())
    assert sum(numbers.values()) == len(VARIANTS)
    assert numbers["Same logits"] > 0


def test_filter_and_search(page: AppTest) -> None:
    page.pills(key="proof.kind").set_value(["learning"]).run()
    assert shown(page) == [name for name in VARIANTS if name.endswith("_classroom")]
    page.text_input(key="proof.search").set_value("swin").run()
    assert shown(page) == ["swin_classroom", "swin_v2_classroom"]
    page.text_input(key="proof.search").set_value("perpetuum mobile").run()
    assert next(info.value for info in page.info) == "No network fits all of this."


def test_a_link_restores_the_view(app: AppTest) -> None:
    app.run()
    app.switch_page("pages/proof.py")
    app.query_params["proof.search"] = "timm"
    app.run()
    assert 0 < len(shown(app)) < len(VARIANTS)


def test_nothing_measured_and_something(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "classroom_variants.csv"
    monkeypatch.setattr(proof.learned, "__defaults__", (file,))
    app.run()
    app.switch_page("pages/proof.py").run()
    assert not app.exception
    assert not app.get("plotly_chart")
    assert any("has been measured" in info.value for info in app.info)
    columns = "variant,params,macs,accuracy,images_seen,steps,seconds"
    file.write_text(f"{columns}\nvgg_classroom,900000,8000000,0.71,640,10,60.0\n")
    app.run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1
    assert app.dataframe[1].value["Accuracy, %"].to_list() == [pytest.approx(71)]
    assert any(text.value.startswith("Not measured yet: LeNet") for text in app.caption)
