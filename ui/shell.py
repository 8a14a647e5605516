"""The shell around every page: which pages there are, and how one is entered.

`pages` is the table of contents that app.py hands to `st.navigation`, `enter` runs the page that the address names,
and `guard` is the first line of every file in pages/.

Importing this module also pays, once per process, for what every page needs. Streamlit collects garbage after every
rerun, and with torch in memory that costs each reader 200 ms. .streamlit/config.toml turns it off; the freeze below
keeps Python's own collector from walking through the libraries as well.
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
atexit.register(gc.unfreeze)  # or the bindings inside torch report everything frozen as leaked when the process ends

# Without an icon of its own when st.navigation is called, a page takes the Material icon of its entry in the table,
# and for that the browser asks fonts.gstatic.com.
ICON = Path(__file__).with_name("symbol.svg")
_LOGO = Path(__file__).with_name("logo.svg")
_STYLE = Path(__file__).with_name("shell.css")
_inside = ContextVar("inside the shell", default=False)


def pages() -> dict[str, list[StreamlitPage]]:
    """The pages by section, in the order of the sidebar. The addresses are part of links: they never change."""
    return {
        "Architectures": [
            st.Page("pages/gallery.py", title="Gallery", icon=":material/grid_view:", url_path="gallery", default=True),
            st.Page("pages/inspect.py", title="Inspect", icon=":material/account_tree:", url_path="inspect"),
        ],
    }


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

    Streamlit takes any folder called pages/ for an app of the old kind until the process has seen `st.navigation`
    once. The first visitor after a start who follows a link to a page would get that file alone: no page settings,
    no sections, and the pages under the names of their files.
    """
    if not _inside.get():
        st.set_page_config(page_icon=ICON)
        st.navigation(pages())
        st.rerun()
