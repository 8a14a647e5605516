"""Downloads and imports as a page shows them: begun, how far they are, stopped, or why they failed."""

from collections.abc import Callable

import streamlit as st

from ui import cached, looking, prose

_EVERY = 0.5  # seconds between looks


def start(page: str, name: str, *arguments: str) -> None:
    """Begin what `python -m training.data` does with `arguments`; `refusal` says where that is refused."""
    try:
        cached.errands().start(name, *arguments)
    except ValueError as error:
        st.session_state[f"{page}.refused"] = str(error)


def under_way(page: str, name: str, arrived: Callable[[], None]) -> bool:
    """Show how far it is, if it is; where it has come to a good end, call `arrived` and run the page anew."""
    errand = cached.errands().get(name)
    if errand is None or errand.refused is not None:
        return False
    if errand.answer is not None:
        cached.errands().forget(name)
        arrived()
        st.rerun()
    _watch(page, name)
    return True


@looking.again(_EVERY)
def _watch(page: str, name: str) -> None:
    errand = cached.errands().get(name)
    if errand is None or errand.over:
        st.rerun()
    done, total, doing = errand.progress
    share = min(done / total, 1.0) if total else 0.0
    st.progress(share, f"{doing.capitalize()} … {share:.0%}" if total else f"{doing.capitalize()} …")
    st.button(
        "Stop",
        icon=":material/stop:",
        key=f"{page}.stop.{name}",
        on_click=cached.errands().forget,
        args=(name,),
    )


def refusal(page: str, name: str, symbol: str) -> None:
    """Why something could not be begun or done, if so."""
    errand = cached.errands().get(name)
    sentence = st.session_state.pop(f"{page}.refused", None) or (errand.refused if errand else None)
    if sentence:
        st.error(prose.literal(sentence), icon=f":material/{symbol}:")
