"""Score-CAM on the page Class-activation maps: asked for by a click, computed beside the page."""

from functools import partial
from typing import Any

import streamlit as st

from ui import background, cached, looking, prose
from ui.background import Report
from ui.cam_study import PAGE, Raw, Study
from viz import cam

_REST = 0.7  # seconds between two looks at work under way
_SHARE = 0.8  # of a pass by itself is what one costs among others


def score_cam(study: Study, path: str) -> Raw | None:
    """The raw map as far as it is known; a button before it is begun, a bar while it is under way."""
    pool, reader, key = cached.background(), background.reader(), study.key("scorecam", path)
    seen = pool.look(key, reader)
    if seen is None or seen.state in ("cancelled", "failed"):
        channels = study.layer(path).shape[0]
        seconds = channels * cached.cam_times(study.subject.specimen, path)[1] * _SHARE
        if seen is not None and seen.why:
            st.error(prose.literal(seen.why), icon=":material/error:")
        st.markdown(prose.words(PAGE)["score"].format(passes=channels, seconds=max(1, round(seconds))))
        if not st.button("Compute Score-CAM", key=f"{PAGE}.score", type="primary"):
            return None
        try:
            pool.submit(key, partial(_work, study, path), reader)
        except ValueError as error:
            st.error(prose.literal(str(error)), icon=":material/hourglass_disabled:")
            return None
        st.rerun()
    if seen.alive:
        _watch(key)
    found: Raw | None = seen.result
    return found


def _work(study: Study, path: str, report: Report) -> Raw:
    loaded = study.subject.loaded
    found: Any = None
    for share, found in cam.score_cam(loaded.model, loaded.preprocess(study.photo.image), study.target, path):
        report(share, found.numpy())
    return found.numpy()


def _watch(key: tuple[object, ...]) -> None:
    """A bar that moves by itself; the page runs again with every part that is new."""
    pool, reader = cached.background(), background.reader()

    @looking.again(_REST)
    def live() -> None:
        seen = pool.look(key, reader)
        if seen is None or not seen.alive:
            st.rerun()
        background.bar(seen, "Score-CAM", f"{PAGE}.score.stop", lambda: pool.cancel(key, reader))

    live()
