"""How a page of the comparing half ends: what to notice, and a question that turning its controls answers."""

import streamlit as st

from ui import prose


def ending(page: str) -> None:
    """The sections `notice`, `question` and `answer` of assets/text/<page>.md."""
    words = prose.words(page)
    left, right = st.columns(2, gap="large")
    with left:
        st.header("What to notice")
        st.markdown(words["notice"])
    with right:
        st.header("A question")
        st.markdown(words["question"])
        with st.expander("The answer", key=f"{page}.answer"):
            st.markdown(words["answer"])
