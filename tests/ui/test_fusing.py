"""Fusing as a section of a page: steps, channels, whole networks before and after, and measured time."""

import pytest
from streamlit.testing.v1 import AppTest

from ui import cached, fusing
from viz.fusing import STEPS
from zoo.timing import Timing


def script() -> None:
    from ui import fusing

    fusing.render()


@pytest.fixture
def section(app: AppTest) -> AppTest:
    return AppTest.from_function(script, default_timeout=60)


def cards(section: AppTest) -> str:
    assert not section.exception
    return next(element.proto.body for element in section.get("html") if '"kernels"' in element.proto.body)


def test_one_walks_through_the_steps(section: AppTest) -> None:
    section.run()
    assert "then a batch norm with" in cards(section)
    assert "no kernel" in cards(section)  # the map itself
    assert section.button(key="operators.fuse_arrow_back").disabled
    for _ in range(len(STEPS) - 1):
        section.button(key="operators.fuse_arrow_forward").click().run()
    assert cards(section).count("<section") == 4  # three and their sum
    assert section.segmented_control(key="operators.fuse_step").value == "added"
    assert section.button(key="operators.fuse_arrow_forward").disabled
    section.button(key="operators.fuse_arrow_back").click().run()
    assert cards(section).count('class="zero"') == 16  # around the 1x1 and around the map itself


def test_the_map_itself_reaches_only_its_own_filter(section: AppTest) -> None:
    section.query_params["operators.fuse_step"] = "2. Norms folded in"
    section.run()
    assert cards(section).count('class="zero"') == 0
    section.segmented_control(key="operators.fuse_in").set_value("green").run()
    assert cards(section).count('class="zero"') == 1


def test_a_link_restores_the_view_and_a_wrong_one_is_answered(section: AppTest) -> None:
    section.query_params["operators.fuse"] = "ACNet"
    section.query_params["operators.fuse_step"] = "4. Added up"
    section.query_params["operators.fuse_out"] = "9"
    section.run()
    assert "3 × 1" in cards(section)
    assert "One convolution" in cards(section)
    assert section.warning[0].value.startswith("The address asks for operators\\.fuse\\_out\\=9")


def test_counts_of_whole_networks(section: AppTest) -> None:
    section.run()
    metrics = {m.label: (m.value, m.delta) for m in section.metric}
    assert metrics["Parameters, fused"] == ("8.31 M", "−8.8% of 9.11 M")
    assert metrics["Batch norms, fused"][0] == "0"
    said = " ".join(caption.value for caption in section.caption)
    assert "8,309,384" in said.replace("\\", "")
    section.selectbox(key="operators.fuse_network").set_value("acnet_resnet18").run()
    assert {m.label: m.value for m in section.metric}["Parameters, fused"] == "11.7 M"


def test_time_is_measured_on_a_click_only(section: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def timing(factory: str, arguments: str, size: object, batch: int, training: bool) -> Timing:
        asked.append((arguments, batch))
        seconds = 0.03 if "true" in arguments else 0.06
        return Timing(
            forward_s=seconds, training_s=None, backward_s=None, peak_bytes=10**8, training_peak_bytes=None,
            batch=batch, repeats=7, threads=1, machine="a test", layers={},
        )  # fmt: skip

    monkeypatch.setattr(cached, "timing", timing)
    section.run()
    assert not asked
    section.button(key="operators.fuse_measure").click().run()
    networks = [f'{{"name": "repvgg_a0", "fused": {fused}}}' for fused in ("false", "true")]
    assert asked == [(network, 1) for network in networks]
    metrics = {m.label: m.value for m in section.metric}
    assert (metrics["As trained"], metrics["Fused"], metrics["Speed-up"]) == ("60.0 ms", "30.0 ms", "2.00 ×")
    assert any("batch of 1, medians of 7" in c.value.replace("\\", "") for c in section.caption)

    def refuse(*_: object) -> Timing:
        raise ValueError("Others are measuring on this machine. Try again in a minute.")

    monkeypatch.setattr(cached, "timing", refuse)
    section.button(key="operators.fuse_measure").click().run()
    assert section.error[0].value.startswith("Others are measuring")


def test_the_kernels_can_be_taken_away() -> None:
    rows = fusing.kernel_rows(cached.fusing("repvgg"))
    last = [row for row in rows if row["Step"] == "Added up" and row["Kernel"] == "One convolution"]
    assert len(last) == 3 * 3 * 9 + 3
    kernel = cached.fusing("repvgg").steps["added"].kernel
    assert kernel is not None
    wanted = {"Filter": 2, "Channel": "blue", "Row": 1, "Column": 3}
    (one,) = (row for row in last if wanted.items() <= row.items())
    assert one["Weight"] == float(kernel[1, 2, 0, 2])
    assert not any(row["Kernel"] == "The map itself" and row["Step"] == "As trained" for row in rows)


def test_of_two_quick_clicks_none_is_lost(section: AppTest) -> None:
    section.run()
    section.button(key="operators.fuse_arrow_forward").click().run()
    section.session_state["operators.fuse_step"] = "squared"  # the second click's turn, on the same page
    section.button(key="operators.fuse_arrow_forward").click().run()
    assert section.segmented_control(key="operators.fuse_step").value == "added"


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (7.15e-7, "7.2 × 10⁻⁷"), (1.3e-15, "1.3 × 10⁻¹⁵")])
def test_small_numbers(value: float, text: str) -> None:
    assert fusing._power(value) == text
