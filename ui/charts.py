"""Charts that change while one looks at them.

Streamlit makes the identity of a plotly chart from all that is drawn, so a chart with one more point is
another chart: it is taken down and drawn anew, which flickers and forgets where the reader had zoomed. A
chart drawn here is known by its key alone, and the browser changes it in place.
"""

from contextvars import ContextVar

import streamlit as st
from plotly.graph_objects import Figure
from streamlit.elements import plotly_chart
from streamlit.elements.lib.utils import compute_and_register_element_id

from ui import export

_steady = ContextVar("the chart is known by its key alone", default=False)


def _identity(*args: object, **kwargs: object) -> str:
    if _steady.get():
        kwargs["key_as_main_identity"] = True
    return compute_and_register_element_id(*args, **kwargs)  # type: ignore[arg-type]


plotly_chart.compute_and_register_element_id = _identity  # type: ignore[attr-defined]


def finished(figure: Figure, view: str) -> Figure:
    """The figure for many readers, never to be changed again: what is sent of it is made once, here.

    `view` as in `steady`.
    """
    figure.layout.uirevision = view
    made = figure.to_dict()
    figure.to_dict = lambda: made
    return figure


def steady(figure: Figure, key: str, *, name: str, alt: str, view: str | None = None) -> None:
    """Draw a chart that stays the same while its numbers change.

    A zoom is kept until `view`, what its axes mean, is another one; None for a figure that is `finished`.
    `name` is that of the file it is saved as.
    """
    if view is not None:
        figure.layout.uirevision = view
    picture = {"toImageButtonOptions": {"format": "png", "filename": name, "scale": 2}}
    token = _steady.set(True)
    try:
        st.plotly_chart(figure, key=key, config=export.picture(name) | picture, alt=alt)
    finally:
        _steady.reset(token)
