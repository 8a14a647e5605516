"""A run from the folder ZOOLENS_RUNS inside the shell, its id in the address: what test_run_view.py sees."""

import streamlit as st

from training.runs import Runs
from ui import run_view, shell


def page() -> None:
    id = st.query_params["id"]
    st.fragment(run_view.view, run_every=1.0 if id == "going-on" else None)(Runs(), id, page="train")


st.set_page_config(page_icon=shell.ICON, layout="wide")
shell.enter(st.navigation([st.Page(page, title="One run")]))
