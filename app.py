"""Zoolens: how image-classification networks are built, what they cost and what they see.

Start it with `streamlit run app.py`. The table of pages stands in ui/shell.py.
"""

import streamlit as st
from starlette.middleware import Middleware

from ui import browser, server

if __name__ == "__main__":  # a page for a reader
    server.ready()
    from ui import shell

    st.set_page_config(page_icon=shell.ICON, layout="wide")  # first: see shell.ICON
    page = shell.navigate()
    st.set_page_config(page_title=f"{page.title} – Zoolens")
    shell.enter(page)
else:  # the server, once
    app = st.App(__file__, lifespan=server.lifespan, middleware=[Middleware(browser.Recognised)])
