"""Every kind of text that Streamlit colours, on one page, inside the shell: what test_shell.py measures."""

import pandas as pd
import streamlit as st

from ui import shell

COLOURS = ("red", "orange", "yellow", "green", "blue", "violet", "gray")
CODE = '''
@dataclass
class Block(nn.Module):
    """A docstring."""
    def forward(self, x: Tensor) -> Tensor:
        return self.act(x + 1.5e3) if "skip" else None  # a comment
'''


def palette() -> None:
    st.title("Palette")
    st.header("Header")
    st.subheader("Subheader")
    st.markdown("Text with a [link](/), `code`, **bold** and $x^2$")
    for colour in COLOURS:
        st.markdown(f":{colour}[text] :{colour}-background[on its ground] :{colour}-badge[badge]")
    st.caption("Caption")
    st.code(CODE)
    columns = st.columns(4)
    columns[0].button("Primary", type="primary")
    columns[1].button("Secondary")
    columns[2].button("Tertiary", type="tertiary")
    columns[3].link_button("Link", "/")
    columns = st.columns(4)
    columns[0].metric("Up", "25.6 M", "1.2 M")
    columns[1].metric("Down", "4.09 G", "-3 %")
    columns[2].metric("Off", "50", "0", delta_color="off")
    columns[3].progress(0.4, "Progress")
    st.segmented_control("Segments", ["chosen", "other"], default="chosen")
    st.pills("Pills", ["chosen", "other"], default="chosen")
    st.radio("Radio", ["chosen", "other"], help="Help")
    st.checkbox("Checkbox", value=True)
    st.toggle("Toggle", value=True)
    st.slider("Slider", 0, 10, 5)
    st.selectbox("Selectbox", ["chosen"])
    st.multiselect("Multiselect", ["chosen", "other"], ["chosen"])
    st.text_input("Text", placeholder="Placeholder")
    st.number_input("Number")
    first, _ = st.tabs(["Chosen tab", "Other tab"])
    first.write("In a tab")
    st.expander("Expander", expanded=True).write("In an expander")
    st.info("Info")
    st.warning("Warning")
    st.error("Error")
    st.success("Success")
    st.table(pd.DataFrame({"layer": ["conv1"], "parameters": [9408]}))
    with st.sidebar:
        st.markdown("Text with a [link](/)")
        st.caption("Caption")
        st.button("Primary in the sidebar", type="primary")
        st.segmented_control("Segments in the sidebar", ["chosen", "other"], default="chosen")
        st.slider("Slider in the sidebar", 0, 10, 5)


st.set_page_config(page_icon=shell.ICON, layout="wide")
shell.enter(st.navigation([st.Page(palette, title="Palette")]))
