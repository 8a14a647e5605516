"""What colours and sizes mean, in a line beside the figure that uses them."""

from collections.abc import Callable

import streamlit as st

from viz.figures import style

_LAYERS = {
    "input": "image",
    "conv": "convolution",
    "linear": "linear",
    "matmul": "attention",
    "norm": "normalisation",
    "act": "activation",
    "pool": "pooling",
    "add": "add or concatenate",
}


def blocks() -> None:
    """The colours and heights of the miniatures."""
    _line(
        *(
            f'<i style="background:{style.LAYER_COLOURS[kind]}"></i>{words}'
            for kind, words in _LAYERS.items()
        ),
        "the taller, the more channels",
    )


def areas(name: str, largest: float, diameter: Callable[[float, float], float]) -> None:
    """What the areas of points stand for, up to the largest amount drawn."""
    steps = [10.0**power * digit for power in range(5, 13) for digit in (1, 3)]
    steps = [step for step in steps if largest / 300 < step <= largest][-5::2]
    _line(
        f"Area: {name}",
        *(
            f'<i class="round" style="width:{px:.0f}px;height:{px:.0f}px"></i>{style.count(step)}'
            for step, px in ((step, diameter(step, largest)) for step in steps)
        ),
    )


def _line(*parts: str) -> None:
    st.html(f'<p class="zl-legend">{"".join(f"<span>{part}</span>" for part in parts)}</p>')
