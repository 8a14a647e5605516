"""The page Admin: the server at one moment, drawn anew every few seconds."""

import pandas as pd
import streamlit as st

from ui import cached, looking, presenter, prose, watch
from zoo import log

_EVERY = 3.0  # seconds
_CACHES = 12  # in sight; the rest behind a button
_ERRORS = 10  # the same
_UNKNOWN = "–"


def buttons() -> None:
    """Free the caches, after a question, and give the key back."""
    words = prose.words("admin")
    with st.container(horizontal=True):
        with st.popover("Free caches", icon=":material/mop:", key="admin.free"):
            st.markdown(words["free caches"])
            st.button("Free them now", type="primary", key="admin.free now", on_click=_free)
        st.button("Leave", icon=":material/logout:", key="admin.leave", on_click=presenter.leave)


def _free() -> None:
    if presenter.allowed():
        before = watch.now().resident
        cached.free()
        log.event("caches freed", before=before, after=watch.now().resident)


@looking.again(_EVERY)
def now() -> None:
    """All that is known of the server, for as long as the key is given."""
    if not presenter.allowed():
        st.rerun()
    words = prose.words("admin")
    try:
        found = watch.now()
    except ValueError as error:
        st.error(prose.literal(str(error)), icon=":material/folder_off:")
        return
    with st.container(horizontal=True):
        _metric(
            "Windows", _number(found.windows), f"{_number(found.visits)} since the start", words["windows"]
        )
        _metric("Memory", _bytes(found.resident), f"{found.threads} threads", words["memory"])
        _metric("Free memory", _bytes(found.free), "of the machine", words["free"])
        _metric(
            "Computing",
            f"{found.computing} of {found.places}",
            f"{found.waiting} waiting",
            words["computing"],
        )
        training = sum(found.runs.get(status, 0) for status in ("starting", "running"))
        _metric("Training", str(training), f"{found.runs.get('queued', 0)} waiting", None)
        _metric("Problems", str(log.lately.total), f"in {_time(found.seconds)}", None)
    left, right = st.columns(2, gap="large")
    with left:
        st.header("Work beside the pages", help=words["work"])
        st.table(
            pd.DataFrame(
                [(each.running, each.waiting, each.kept) for each in found.work.values()],
                index=pd.Index(list(found.work)), columns=["under way", "waiting", "results kept"],
            )
        )  # fmt: skip
    with right:
        st.header("Runs")
        kinds = pd.DataFrame({"runs": dict(sorted(found.runs.items()))})
        if found.runs:
            st.table(kinds)
        st.caption(f"{sum(found.runs.values())} in all, which take {_bytes(found.disk)} of the disk.")
    _errors()
    _caches()


def _metric(label: str, value: str, more: str, help: str | None) -> None:
    st.metric(label, value, more, delta_color="off", delta_arrow="off", border=True, help=help)


def _errors() -> None:
    """The warnings and errors of late."""
    words = prose.words("admin")
    st.header("Warnings and errors")
    events = log.lately.events()[::-1]
    if not events:
        st.caption(words["no errors"])
        return
    st.caption(words["errors"])
    for number, each in enumerate(events[:_ERRORS]):
        said = f"{each.fields.get('error', '')} {each.fields.get('message', each.name)}"
        st.markdown(f"`{each.time[11:19]}` **{each.level}** {prose.literal(said)}")
        if each.traceback:
            with st.expander("Traceback", key=f"admin.traceback.{each.time}.{number}"):
                st.code(each.traceback, language=None, wrap_lines=True)


def _caches() -> None:
    st.header("Caches", help=prose.words("admin")["caches"])
    rows = [
        {
            "cache": each.name.replace("_", " ").strip(), "hits": each.hits, "misses": each.misses,
            "found": f"{each.hits / (each.hits + each.misses):.0%}", "thrown out": each.evicted,
            "computing": f"{each.seconds:.1f} s",
        }
        for each in watch.caches()
    ]  # fmt: skip
    if not rows:
        st.caption("Nobody has asked for anything yet.")
        return
    frame = pd.DataFrame(rows).set_index("cache")
    st.table(frame[:_CACHES])
    if len(frame) > _CACHES:
        with st.expander(f"{len(frame) - _CACHES} more", key="admin.more"):
            st.table(frame[_CACHES:])


def _number(value: int | None) -> str:
    return _UNKNOWN if value is None else f"{value:,}"


def _bytes(value: int | None) -> str:
    if value is None:
        return _UNKNOWN
    return f"{value / 2**30:.1f} GiB" if value >= 1 << 30 else f"{value / 2**20:.0f} MiB"


def _time(seconds: float) -> str:
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
