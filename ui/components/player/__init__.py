"""What plays steps in the browser, shared by the components that do: bar, keys and the reader's place.

`player.js` has the class that a component's own script extends, `bar.html` goes into its HTML in the place of
`<!-- the bar -->`. Streamlit takes one script, so the files are joined; only the last has a default export.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent


def registered(name: str, folder: Path, scripts: Sequence[str]) -> Callable[..., object]:
    """The component called `name` from the files of its folder: <folder>.html, <folder>.css and scripts.

    It is called with `key`, `data`, `on_step_change`, and the same for what else it tells.
    """
    html = (folder / f"{folder.name}.html").read_text(encoding="utf-8")
    bar = (_HERE / "bar.html").read_text(encoding="utf-8")
    styles = (_HERE / "player.css", folder / f"{folder.name}.css")
    files = (_HERE / "player.js", *(folder / script for script in scripts))
    component: Callable[..., object] = st.components.v2.component(
        name,
        html=html.replace("<!-- the bar -->", bar),
        css="\n".join(path.read_text(encoding="utf-8") for path in styles),
        js="\n".join(path.read_text(encoding="utf-8") for path in files),
    )
    return component
