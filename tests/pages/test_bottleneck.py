"""The page of the two blocks: what it sends to the drawing, presets, links, the clock, budgets."""

import json
from itertools import product

import pytest
from streamlit.testing.v1 import AppTest

from ui import block_rows, blocks, cached
from ui.components.block_drawing import Side
from zoo.blocks import KINDS, Dials
from zoo.timing import Timing

TIMING = Timing(
    forward_s=0.1, training_s=0.3, peak_bytes=None, training_peak_bytes=None, batch=1, repeats=9, threads=1,
    machine="a machine, 2 cores", backward_s=0.2, layers={"block.branch.conv1": 0.06, "": 0.02},
)  # fmt: skip


@pytest.fixture
def page(app: AppTest) -> AppTest:
    app.run()
    app.switch_page("pages/bottleneck.py").run()
    assert not app.exception
    return app


def drawn(page: AppTest) -> list[Side]:
    assert not page.exception
    (component,) = page.get("bidi_component")
    sides: list[Side] = json.loads(component.proto.json)["sides"]
    return sides


def test_it_opens_with_the_numbers_of_the_question(page: AppTest) -> None:
    basic, bottleneck = drawn(page)
    assert basic["amount"] == "1,179,648"
    assert "256 × 256 × 3 × 3 + 256 × 256 × 3 × 3 = 1,179,648" in basic["parts"]
    assert bottleneck["amount"] == "69,632"
    assert "64 × 256 × 1 × 1 + 64 × 64 × 3 × 3 + 256 × 64 × 1 × 1 = 69,632" in bottleneck["parts"]
    assert "batch norm 768, projection 0" in bottleneck["parts"]
    assert any("16.9 times" in text.value for text in page.markdown)


def test_every_preset_is_drawn_and_explained(page: AppTest) -> None:
    shapes = set()
    for name, preset in blocks.PRESETS.items():
        page.pills(key="bottleneck.preset").set_value(name).run()
        shapes.add(json.dumps(drawn(page)))
        assert page.session_state["bottleneck.groups"] == preset.groups
        assert page.pills(key="bottleneck.preset").value == name
    assert len(shapes) == len(blocks.PRESETS)
    page.select_slider(key="bottleneck.channels").set_value(96).run()
    assert page.pills(key="bottleneck.preset").value is None
    assert any("Your own block" in text.value for text in page.markdown)


def test_what_cannot_be_is_drawn_as_the_nearest_and_said(page: AppTest) -> None:
    page.select_slider(key="bottleneck.channels").set_value(96).run()
    page.select_slider(key="bottleneck.groups").set_value(32).run()
    assert any("32 groups do not divide 24 channels: drawn with 8." in text.value for text in page.caption)
    page.select_slider(key="bottleneck.stride").set_value(2).run()
    assert any("drawn with a projection" in text.value for text in page.caption)
    rows = [row["id"] for row in drawn(page)[0]["rows"]]
    assert "shortcut.conv" in rows


def test_the_switch_changes_what_is_shown(page: AppTest) -> None:
    for quantity, amount in (("macs", "3.7 G"), ("memory", "16.1 MB")):
        page.segmented_control(key="bottleneck.show").set_value(quantity).run()
        assert drawn(page)[0]["amount"] == amount


def test_time_is_measured_on_a_click_only(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, int]] = []

    def timing(
        factory: str, arguments: str, input_size: tuple[int, int, int], batch: int, by_layer: bool
    ) -> Timing:
        assert by_layer
        calls.append((json.loads(json.loads(arguments)["text"])["kind"], batch))
        return TIMING

    monkeypatch.setattr(cached, "timing", timing)
    page.segmented_control(key="bottleneck.show").set_value("time").run()
    assert drawn(page)[0]["amount"] == "–"
    assert not calls
    page.button(key="bottleneck.measure").click().run()
    assert calls == [("basic", 1), ("bottleneck", 1)]
    side = drawn(page)[0]
    assert side["amount"] == "100 ms"
    assert "Backward 200 ms, both in training 300 ms" in side["parts"]
    rows = {row["id"]: (row["value"], row["share"]) for row in side["rows"]}
    assert rows["branch.conv1"] == ("60 ms", "75%")
    assert any("a machine, 2 cores" in text.value for text in page.caption)
    page.select_slider(key="bottleneck.channels").set_value(64).run()
    assert drawn(page)[0]["amount"] == "–", "what was measured was another block"


def test_a_failed_measurement_is_a_sentence(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def timing(*_: object, **__: object) -> Timing:
        calls.append(1)
        raise ValueError("Others are measuring on this machine.")

    monkeypatch.setattr(cached, "timing", timing)
    page.segmented_control(key="bottleneck.show").set_value("time").run()
    page.button(key="bottleneck.measure").click().run()
    assert not page.exception
    assert any("Others are measuring" in text.value for text in page.warning)
    page.select_slider(key="bottleneck.budget").set_value(20).run()
    assert len(calls) == 1, "it is not tried again by itself"


def test_what_is_too_large_is_not_measured(page: AppTest) -> None:
    page.segmented_control(key="bottleneck.show").set_value("time").run()
    page.select_slider(key="bottleneck.channels").set_value(1024).run()
    assert page.button(key="bottleneck.measure").disabled
    assert any("more than a server" in text.value for text in page.info)


def test_a_link_restores_the_view_and_a_wrong_one_is_told(app: AppTest) -> None:
    app.run()
    app.switch_page("pages/bottleneck.py")
    app.query_params["bottleneck.channels"] = "512"
    app.query_params["bottleneck.basic"] = "1/expansion"
    app.query_params["bottleneck.show"] = "MACs"
    app.query_params["bottleneck.kernel"] = "4"
    app.run()
    basic, bottleneck = drawn(app)
    assert basic["shapes"].startswith("128 → 128 channels")
    assert bottleneck["shapes"].startswith("512 → 512 channels")
    assert bottleneck["unit"] == "MACs"
    assert any("which there is not" in text.value for text in app.warning)


def test_budgets(page: AppTest) -> None:
    """10 M buy 18 layers of BasicBlocks; at the least budget the shallowest is too dear."""
    found = {metric.label: metric.value for metric in page.metric}
    assert found["BasicBlocks"] == "18 layers"
    assert int(found["Bottlenecks"].split()[0]) > 300
    page.select_slider(key="bottleneck.budget").set_value(1).run()
    assert {metric.label: metric.value for metric in page.metric}["BasicBlocks"] == "too little"
    page.segmented_control(key="bottleneck.handed").set_value("paper").run()
    page.select_slider(key="bottleneck.budget").set_value(30).run()
    assert not page.exception


def test_the_papers_networks_and_their_blocks(page: AppTest) -> None:
    table = page.dataframe[0].value
    assert list(table["Depth"]) == [18, 34, 50, 101, 152]
    assert list(table["Block"]) == ["BasicBlock"] * 2 + ["Bottleneck"] * 3


@pytest.mark.parametrize("quantity", ["params", "macs", "memory"])
def test_rows_add_up_to_the_block_at_all_dials(quantity: str) -> None:
    for stride, order, excite, shortcut in product(
        (1, 2), ("post", "pre"), (False, True), ("average", "none")
    ):
        dials = Dials(
            channels=64, ratio=2, stride=stride, order=order, excite=excite, shortcut=shortcut, size=14
        )
        for found in blocks.costs(dials):
            assert sum(block_rows._amounts(found, quantity, None).values()) == found.amount(quantity)
        for side in block_rows.sides(blocks.costs(dials), quantity, None):
            ids = [row["id"] for row in side["rows"]]
            assert len(set(ids)) == len(ids)
            assert (side["fork"] in ids) is (shortcut != "none")
            assert max(row["bar"] for row in side["rows"]) <= 1


def test_what_is_taken_away_holds_both_blocks() -> None:
    pair = blocks.costs(Dials())
    rows = block_rows.table(pair)
    for found in pair:
        own = [row for row in rows if row["Block"] == KINDS[found.block.kind]]
        for quantity, column in (
            ("params", "Parameters"), ("macs", "MACs"), ("memory", "Kept for the backward pass, bytes"),
        ):  # fmt: skip
            assert sum(int(str(row[column])) for row in own) == found.amount(quantity)
