"""The shell around every page: which pages there are, and how one is entered.

`pages` is the table of contents that app.py hands to `st.navigation`. `enter` runs the page that the address names,
and `guard` is the first line of every file in pages/.

Importing this module also pays, once per process, for what every page needs. Streamlit collects garbage after every
rerun, and with torch in memory that costs each reader 200 ms; .streamlit/config.toml turns it off, and the freeze
below keeps Python's own collector from walking through the libraries as well.
"""

import gc
from contextvars import ContextVar

import plotly.graph_objects  # noqa: F401  (imported before the freeze, for the pages)
import streamlit as st
import torch  # noqa: F401
import torchvision  # noqa: F401
from streamlit.navigation.page import StreamlitPage

import zoo  # noqa: F401

gc.collect()
gc.freeze()

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
    """Run the page that `st.navigation` chose."""
    token = _inside.set(True)
    try:
        page.run()
    finally:
        _inside.reset(token)


def guard() -> None:
    """Send a page that was started without app.py through app.py, with its address and query unchanged.

    Streamlit takes any folder called pages/ for an app of the old kind until the process has seen `st.navigation`
    once. The first visitor after a start who follows a link to a page would get that file alone: no page settings,
    no sections, and the pages under the names of their files.
    """
    if not _inside.get():
        st.navigation(pages())
        st.rerun()
