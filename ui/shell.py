"""The shell around every page: which pages there are, and how one is entered.

`pages` is the table of contents that app.py hands to `st.navigation`, `enter` runs the page that the address
names, and `guard` is the first line of every file in pages/.

Importing this module also pays, once per process, for what every page needs. Streamlit collects garbage after
every rerun, and with torch in memory that costs each reader 200 ms. .streamlit/config.toml turns it off; the
freeze below keeps Python's own collector from walking through the libraries as well.
"""

import atexit
import gc
from contextvars import ContextVar
from pathlib import Path

import plotly.graph_objects  # noqa: F401  (here, and not where it is first used, to be frozen)
import streamlit as st
import torch  # noqa: F401
import torchvision  # noqa: F401
from streamlit.navigation.page import StreamlitPage

import zoo  # noqa: F401

gc.collect()
gc.freeze()
atexit.register(gc.unfreeze)  # or the bindings inside torch report all of it as leaked when the process ends

# Set before st.navigation is called: without it the browser tab takes the Material icon from the table below,
# and fetches it from fonts.gstatic.com.
ICON = Path(__file__).with_name("symbol.svg")
_LOGO = Path(__file__).with_name("logo.svg")
_STYLE = Path(__file__).with_name("shell.css")
_inside = ContextVar("inside the shell", default=False)


def pages() -> dict[str, list[StreamlitPage]]:
    """The pages by section, in the order of the sidebar."""
    return {
        "Architectures": [
            _page("gallery", "Gallery", "grid_view", default=True),
            _page("inspect", "Inspect", "account_tree"),
        ],
    }


def _page(topic: str, title: str, symbol: str, *, default: bool = False) -> StreamlitPage:
    # The topic is the address too: it stands in readers' links and never changes.
    icon = f":material/{symbol}:"
    return st.Page(f"pages/{topic}.py", title=title, icon=icon, url_path=topic, default=default)


def enter(page: StreamlitPage) -> None:
    """Run the page that `st.navigation` chose, with the look that all pages share."""
    st.logo(_LOGO, icon_image=ICON)
    st.html(_STYLE)
    inside = _inside.set(True)
    try:
        page.run()
    finally:
        _inside.reset(inside)


def guard() -> None:
    """Send a page that was started without app.py through app.py, with its address and query unchanged.

    Streamlit takes any folder called pages/ for an app of the old kind until the process has seen
    `st.navigation` once. A visitor who follows a link to a page before that would get its file alone: without
    the page settings, without sections, and with the pages under the names of their files.
    """
    if not _inside.get():
        st.set_page_config(page_icon=ICON)
        st.navigation(pages())
        st.rerun()
