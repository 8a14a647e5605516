"""What the server is doing, for the presenter alone."""

import streamlit as st

from ui import admin, presenter, prose, shell

shell.guard()

st.title("Admin")
if presenter.allowed():
    st.markdown(prose.words("admin")["about"])
    admin.buttons()
    admin.now()
else:
    presenter.ask()
