"""What plays steps in the browser, shared by the components that do: bar, keys and the reader's place.

`player.js` has the class that a component's own script extends, `bar.html` goes into its HTML in the place of
`<!-- the bar -->`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from ui import components, prose, state

_BAR = Path(__file__).with_name("bar.html").read_text(encoding="utf-8")


def registered(folder: Path, *scripts: str) -> Callable[..., Any]:
    """The component of a folder that plays steps; as `ui.components.registered`."""
    return components.registered(
        folder,
        "../player/player.js",
        *scripts,
        styles=["../player/player.css"],
        parts={"<!-- the bar -->": _BAR},
    )


def asked(parameter: str, steps: int) -> int:
    """The step, from 0, that the address names, from 1; at first the last, where all can be seen."""
    word = state.query().get(parameter, str(steps))
    if not (word.isascii() and word.isdigit() and len(word) < 4):
        sentence = f"There is no step {word[:40]!r}. Here they go from 1 to {steps}."
        st.warning(prose.literal(sentence), icon=":material/link_off:")
        return steps - 1
    return min(max(int(word) - 1, 0), steps - 1)
