"""A page whose work begins a file that its address names, and lasts until that says "end"."""

import time
from pathlib import Path

import streamlit as st

from ui.gate import heavy


@heavy(st.cache_resource(show_spinner=False))
def work(name: str) -> str:
    file = Path(name)
    file.write_text("begun")
    while file.read_text() != "end":
        time.sleep(0.02)
    return f"{file.name} is done"


st.write(work(st.query_params["file"]))
