"""The shell around every page: which pages there are, and how one is entered.

`pages` is the table of contents, `navigate` draws it and finds the page that the address names, `enter` runs
that page, and `guard` is the first line of every file in pages/.

Importing this module also pays, once per process, for what every page needs. Streamlit collects garbage after
every rerun, and with torch in memory that costs each reader 200 ms. .streamlit/config.toml turns it off; the
freeze below keeps Python's own collector from walking through the libraries as well.
"""

import atexit
import gc
import time
from collections.abc import Sequence
from contextvars import ContextVar
from copy import copy
from functools import cache, partial
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

# Here, and not where they are first used, to be frozen; and pandas, because plotly would take what the thread
# of another reader has only half imported.
import pandas  # noqa: F401
import plotly.graph_objects  # noqa: F401
import streamlit as st
import torch  # noqa: F401
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui import prose
from zoo import log, nearest

gc.collect()
gc.freeze()
atexit.register(gc.unfreeze)  # or the bindings inside torch report all of it as leaked when the process ends

# Set before st.navigation is called: without it the browser tab takes the Material icon from the table below,
# and fetches it from fonts.gstatic.com.
ICON = prose.picture(Path(__file__).with_name("symbol.svg"))
_LOGO = prose.picture(Path(__file__).with_name("logo.svg"))
_STYLE = Path(__file__).with_name("shell.css")
_NONE = "No such page"
_inside = ContextVar("inside the shell", default=False)


def pages() -> dict[str, list[StreamlitPage]]:
    """The pages by section, in the order of the menus, and hidden ones for three kinds of addresses.

    The front page is served at /, but /gallery is the address that one would guess. /admin is for whoever has
    the presenter's key. And where no page is, a page says so; Streamlit would show the front page behind a
    dialog.
    """
    front = _page("gallery", "Gallery", "grid_view", url_path="", default=True)
    architectures = [
        front,
        _page("inspect", "Inspect", "account_tree"),
        _page("proof", "Proof", "verified"),
    ]
    comparing = [
        _page("bottleneck", "BasicBlock and Bottleneck", "stacks"),
        _page("compare", "Compare", "compare"),
        _page("ladders", "Ladders", "steps"),
        _page("scaling", "Scaling", "open_in_full"),
        _page("operators", "Building blocks", "toys"),
    ]
    training = [
        _page("train", "Train", "model_training"),
        _page("race", "Race", "flag"),
        _page("replay", "Recordings", "replay"),
        _page("data", "Data", "photo_library"),
    ]
    inside = [
        _page("cam", "Class-activation maps", "center_focus_strong"),
        _page("occlusion", "Occlusion", "select_all"),
        _page("methods", "Methods side by side", "view_module"),
        _page("many", "One picture, many networks", "burst_mode"),
    ]
    laboratory = [
        _page("deconvnet", "Deconvnet", "low_priority"),
        _page("features", "Features", "apps"),
        _page("hierarchy", "Hierarchy", "stairs"),
        _page("evolution", "Evolution", "movie"),
        _page("invariance", "Invariance", "flip"),
        _page("stems", "First layers", "filter_center_focus"),
        _page("parts", "Parts and ablations", "extension"),
    ]
    attention = [
        _page("swin", "Shifted windows", "window"),
        _page("attention", "Attention maps", "hub"),
        _page("sees", "What one place sees", "visibility"),
    ]
    known = [*architectures, *comparing, *training, *inside, *laboratory, *attention]
    architectures.append(_page("gallery", "Gallery", "grid_view", visibility="hidden"))
    architectures.append(_page("admin", "Admin", "monitoring", visibility="hidden"))
    asked = unquote(urlsplit(st.context.url or "").path).rpartition("/")[2]
    if asked not in [page.url_path for page in (*known, *architectures)]:
        missing = partial(_missing, asked, known)
        architectures.append(st.Page(missing, title=_NONE, url_path=asked, visibility="hidden"))
    return {
        "Architectures": architectures,
        "Side by side": comparing,
        "Training": training,
        "Look inside": inside,
        "ZFNet laboratory": laboratory,
        "Attention": attention,
    }


def _page(
    topic: str,
    title: str,
    symbol: str,
    *,
    url_path: str | None = None,
    default: bool = False,
    visibility: Literal["visible", "hidden"] = "visible",
) -> StreamlitPage:
    # The topic is the address too: it stands in readers' links and never changes.
    path = topic if url_path is None else url_path
    ctx = get_script_run_ctx()
    beside = ctx.pages_manager.main_script_parent if ctx else None
    return copy(_made(topic, title, symbol, path, default, visibility, beside))


@cache
def _made(
    topic: str,
    title: str,
    symbol: str,
    path: str,
    default: bool,
    visibility: Literal["visible", "hidden"],
    beside: Path | None,
) -> StreamlitPage:
    """A page whose file lies `beside` the script that runs; to look for all of them takes Streamlit 1 ms.

    To be copied: a run marks the one that it shows.
    """
    icon = f":material/{symbol}:"
    return st.Page(
        f"pages/{topic}.py", title=title, icon=icon, url_path=path, default=default, visibility=visibility
    )


def _missing(asked: str, known: Sequence[StreamlitPage]) -> None:
    """What stands at an address without a page."""
    titles = {page.title.lower(): page for page in known}
    st.title(_NONE)
    sentence = f"There is no page called {asked!r}. {nearest(asked, titles)}"
    st.error(prose.literal(sentence), icon=":material/link_off:")
    for page in known:
        st.page_link(page)


def navigate() -> StreamlitPage:
    """The page that the address names, with a menu for every section at the top.

    So every page is two clicks away, however many there are, and the sidebar is left to what a page asks for.
    Where the window is too narrow for menus, Streamlit lists the pages in the sidebar.
    """
    sections = pages()
    page = st.navigation(sections, position="top", expanded=True)
    here = next(place for place, section in enumerate(sections.values(), 1) if page in section)
    # Streamlit marks the page inside an open menu only.
    st.html(f"<style>[data-testid=stTopNav] > :nth-child({here}) button {{ font-weight: 600 }}</style>")
    return page


def enter(page: StreamlitPage) -> None:
    """Run the page that `navigate` found, with the look that all pages share."""
    from ui import cached  # which looks for the server's runtime; this file is there before it

    st.logo(_LOGO, icon_image=ICON)
    st.html(_STYLE)
    inside = _inside.set(True)
    began = time.perf_counter()
    failed = None
    try:
        page.run()
    except Exception as error:  # not what Streamlit itself stops a page by
        failed = type(error).__name__
        raise
    finally:
        _inside.reset(inside)
        log.event(
            "page", page=_name(page), ms=round(1000 * (time.perf_counter() - began)), failed=failed,
            session=cached.visit().id,
        )  # fmt: skip


def _name(page: StreamlitPage) -> str:
    """The topic of a page; no address that somebody has typed."""
    return "none" if page.title == _NONE else page.url_path or "gallery"


def guard() -> None:
    """Send a page that was started without app.py through app.py, with its address and query unchanged.

    Streamlit takes any folder called pages/ for an app of the old kind until the process has seen
    `st.navigation` once. A visitor who follows a link to a page before that would get its file alone: without
    the page settings, without sections, and with the pages under the names of their files.
    """
    if not _inside.get():
        st.set_page_config(page_icon=ICON)
        navigate()
        st.rerun()
