"""Kernels as tables of coloured numbers, and maps with a difference on a scale of its own."""

import numpy as np
import pytest

from viz.figures.fusing import Card, Output, kernels, outputs, shade, signed


def test_colours_from_negative_to_positive() -> None:
    assert (shade(-1), shade(0), shade(1)) == ("#d55e00", "#ffffff", "#0072b2")
    assert shade(2) == shade(1)
    assert (signed(-0.256), signed(0.5), signed(-0.004)) == ("−0.26", "0.50", "0.00")


def test_cards_hold_numbers_zeros_signs_and_words() -> None:
    kernel = np.array([[0.5, 0.0], [-1.0, 0.25]], np.float32)
    html = kernels(
        [Card(title="3 × 3", kernel=kernel, lines=["bias < 1"]),
         Card(title="The map itself", kernel=None, lines=[], sign="+")], 1.0,
    )  # fmt: skip
    assert html.count("<td") == 4
    assert '<td class="zero">0</td>' in html
    assert '<td style="background:#d55e00;color:#000000">−1.00</td>' in html
    assert "bias &lt; 1" in html
    assert "no kernel" in html
    assert '<span class="sign" aria-hidden="true">+</span>' in html
    assert "<caption>3 × 3</caption>" in html


def test_the_difference_has_its_own_scale() -> None:
    a, b = np.full((2, 2), 1.0, np.float32), np.full((2, 2), -3.0, np.float32)
    figure = outputs(
        [Output(title="a", values=a), Output(title="b", values=b)], Output(title="sum", values=a + b),
        Output(title="before", values=a + b + np.float32(1e-3)),
    )  # fmt: skip
    assert [trace.name for trace in figure.data[:4]] == ["a", "b", "sum", "before"]
    assert {trace.zmax for trace in figure.data[:4]} == {3.0}
    assert figure.data[4].zmax == pytest.approx(1e-3, rel=1e-3)
    assert figure.data[4].name == "Difference"
    assert sum(trace.showscale for trace in figure.data) == 1
    same = outputs([Output(title="a", values=a)], Output(title="sum", values=a), Output(title="b", values=a))
    assert (same.data[-1].name, same.data[-1].zmax) == ("Difference: none", 1.0)
