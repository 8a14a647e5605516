"""Colours that can be read and told apart, and counts as people write them."""

import pytest

from viz.figures.style import KIND_COLOURS, KIND_GLYPHS, KIND_SYMBOLS, LAYER_COLOURS, LINE, count, ink
from zoo import KINDS


def contrast(one: str, other: str) -> float:
    """WCAG 2's, written from its text and not from `ink`."""

    def luminance(colour: str) -> float:
        value = int(colour.lstrip("#"), 16)
        parts = ((value >> 16) / 255, (value >> 8 & 255) / 255, (value & 255) / 255)
        red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("kind", LAYER_COLOURS)
def test_labels_can_be_read_on_every_kind_of_layer(kind: str) -> None:
    assert contrast(LAYER_COLOURS[kind], ink(LAYER_COLOURS[kind])) >= 4.5


@pytest.mark.parametrize("ground", ["#ffffff", "#0f1419"], ids=["light", "dark"])
def test_lines_show_on_both_grounds(ground: str) -> None:
    assert contrast(LINE, ground) >= 3


def test_every_kind_of_family_has_its_own_look() -> None:
    for look in (KIND_COLOURS, KIND_SYMBOLS, KIND_GLYPHS):
        assert look.keys() == KINDS.keys()
        assert len(set(look.values())) == len(KINDS)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (840, "840"), (60_000, "60 k"), (966_986, "967 k"), (999_900, "1 M"), (1_230_000, "1.23 M"),
        (25_557_032, "25.6 M"), (138_357_544, "138 M"), (4_089_184_256, "4.09 G"), (0, "0"),
    ],
)  # fmt: skip
def test_counts_have_three_digits(value: float, text: str) -> None:
    assert count(value) == text
