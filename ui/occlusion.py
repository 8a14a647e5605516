"""The page Occlusion: what to slide over which picture, the maps as they come, and how to take them away."""

from collections.abc import Callable, Iterator
from functools import partial

import streamlit as st
from torch import Tensor

from ui import (
    background,
    bound,
    cached,
    looking,
    occlusion_elsewhere,
    occlusion_sheet,
    occlusion_work,
    photo,
    predictions,
    prose,
    state,
    subject,
)
from ui.background import Seen
from ui.components.sliding_square import sliding_square
from ui.occlusion_sheet import Shown
from ui.occlusion_work import Pictures, Progress, Settings
from ui.photo import Photo
from ui.subject import Subject
from viz.occlusion import FILLS, Occlusion
from zoo import Specimen, limits

PAGE = "occlusion"
_SQUARE = "occlusion.square"  # of the address: row and column of the square's upper left pixel, "90.45"
_KEY = "occlusion.sheet"
_QUICK = 20.0  # seconds of work that begin by themselves
_FIRST = 0.6  # seconds that a reader's page waits for the first coarse map
_REST = 0.4  # seconds between two looks at work under way

_SIZES = {"1/10": 1 / 10, "1/7": 1 / 7, "1/5": 1 / 5, "1/4": 1 / 4, "1/3": 1 / 3, "1/2": 1 / 2}
_STRIDES = {"1/8": 1 / 8, "1/4": 1 / 4, "1/2": 1 / 2, "1": 1.0}
_FILLS = {"mean": "Mean", "black": "Black", "blur": "Blur", "noise": "Noise", "local": "Local mean"}
_VIEWS = {"centre": "At the square's centre", "averaged": "Averaged over overlaps"}


def render() -> None:
    chosen = subject.choose(PAGE)
    picture = photo.choose(PAGE)
    image = chosen.loaded.preprocess(picture.image)
    answer, square = st.columns(2, gap="large")
    with answer:
        target = predictions.panel(PAGE, chosen, picture)
    with square:
        settings = _settings(chosen, image)
        view = bound.segments("Draw values", "occlusion.view", _VIEWS, help=prose.words(PAGE)["views"])
    shown = Shown(subject=chosen, photo=picture, target=target, view=view, fill=settings.fill)
    _watch(chosen, picture, image, settings, shown)


def _settings(chosen: Subject, image: Tensor) -> Settings:
    """The controls of the square, and what they come to in pixels."""
    side = min(image.shape[2:])
    size, stride = st.columns(2, gap="medium")
    with size:
        part = bound.slider(
            "Square, of the side", "occlusion.size", list(_SIZES), "1/5",
            help="The paper gives no size; about a fifth hides one thing at a time.",
        )  # fmt: skip
        pixels = max(1, round(side * _SIZES[part]))
    with stride:
        part = bound.slider(
            "Stride, of the square", "occlusion.stride", list(_STRIDES), "1/2",
            help="From one place of the square to the next. Half as far is four times as many places.",
        )  # fmt: skip
        step = max(1, round(pixels * _STRIDES[part]))
        while (1 + (side - pixels) / step) ** 2 > limits.OCCLUSION_POSITIONS.value:
            step += 1
    filled = bound.segments("Filled with", "occlusion.fill", _FILLS, help=_filled())
    layer, preview = st.columns([2, 1], gap="medium", vertical_alignment="bottom")
    with layer:
        path = _layer(chosen)
    with preview:
        quick = bound.switch("Fast preview", "occlusion.preview", help=prose.words(PAGE)["preview"])
    return Settings(size=pixels, stride=step, fill=filled, layer=path, preview=quick)


def _filled() -> str:
    """What each way to fill the square means, one a line."""
    return "\n".join(f"- **{title}**: {FILLS[key]}" for key, title in _FILLS.items())


def _layer(chosen: Subject) -> str:
    """The layer whose strongest map is watched; `occlusion.layer` in the address."""
    found = [each for each in cached.cam_layers(chosen.specimen) if not each.pools]
    offered = {layer.path: layer.title for layer in found}
    asked = state.query().get("occlusion.layer", "")
    path = asked if asked in offered else list(offered)[-1]
    key = state.shows("occlusion.layer.list", path)

    def pick() -> None:
        if st.session_state[key] is not None:  # as a control says that the browser has just built anew
            state.put("occlusion.layer", st.session_state[key])

    st.selectbox(
        "Layer to watch", list(offered), format_func=lambda each: offered.get(each, each),
        key=key, on_change=pick, help=prose.words(PAGE)["layer"],
    )  # fmt: skip
    return path


def _watch(chosen: Subject, picture: Photo, image: Tensor, settings: Settings, shown: Shown) -> None:
    """The work that the settings ask for, looked at again and again while it is under way."""
    pool, reader = cached.occlusions(), background.reader()
    what = (chosen.specimen, picture.digest, settings)
    asked: set[object] = st.session_state.setdefault("occlusion.asked", set())  # long work that was begun
    whole = what in asked or (what, True) in pool
    key = (what, whole)
    pool.leave(reader, but=key)
    others = occlusion_elsewhere.pictures(picture, chosen.loaded.preprocess)
    begin = partial(_work, chosen.specimen, image, settings, others, None if whole else _QUICK)

    def look() -> Seen:
        return pool.look(key, reader) or pool.rounds(key, begin, reader)

    fresh = key not in pool
    try:
        seen = look()
    except ValueError as error:
        st.error(prose.literal(str(error)), icon=":material/hourglass_disabled:")
        return
    if fresh:
        seen = pool.wait(key, reader, _FIRST, first=True) or seen
    armed = seen.alive

    @looking.again(_REST if armed else None)
    def live() -> None:
        now = look()
        _status(now, key, partial(asked.add, what), whole)
        first = pool.result((what, False))  # what was known before long work began
        latest: Progress | None = now.result or (None if first is None else first.result)
        if latest is not None:
            _sheet(latest, image, shown)
        elif now.alive:
            st.info("The network looks at the first places.", icon=":material/hourglass_top:")
        if now.alive != armed or whole != (what in asked or whole):
            st.rerun()

    live()
    if not seen.alive and seen.result is not None:
        if seen.result.elsewhere is not None:
            occlusion_elsewhere.show(seen.result.elsewhere, seen.result.found)
        occlusion_sheet.take_away(seen.result.found, seen.result.projection, shown)


def _work(
    specimen: Specimen, image: Tensor, settings: Settings, others: Pictures, most: float | None
) -> Iterator[Progress]:
    """All that is known, again and again."""
    known: Progress | None = None
    for told in cached.apart().rounds(occlusion_work.rounds, specimen, image, settings, others, most):
        known = told.after(known)
        yield known


def _status(seen: Seen, key: object, begin: Callable[[], None], whole: bool) -> None:
    """How far it is, how long it takes, and the buttons."""
    pool = cached.occlusions()
    latest: Progress | None = seen.result
    if seen.state == "failed":
        st.error(prose.literal(seen.why), icon=":material/error:")
        st.button(
            "Try again", key="occlusion.retry", icon=":material/replay:", on_click=pool.forget, args=(key,)
        )
        return
    words, button = st.columns([6, 1], vertical_alignment="center")
    if latest is None:
        words.progress(0.0, _queued(seen.place, pool.sharing()))
    else:
        found = latest.found
        places = f"{found.activation.size} places"
        what = f"a square of {found.size} px every {found.stride} px"
        how = prose.literal(f"{'Exact' if latest.exact else 'A preview, not exact'}. {latest.how}")
        if seen.alive:
            left = f"about {_seconds(latest.left)} left"
            words.progress(found.done, f"**{found.done:.0%} of {places}**, {left}: {what}. {how}")
        elif found.done == 1:
            words.markdown(f"**{places} in {_seconds(seen.seconds - latest.besides)}**: {what}. {how}")
        elif seen.state == "cancelled":
            words.markdown(f"**Stopped at {found.done:.0%} of {places}**: {what}. What is known stays.")
        else:
            words.markdown(f"**{places} would take about {_seconds(latest.total)}**: {what}. {how}")
    with button:
        if seen.alive:
            st.button(
                "Cancel", key="occlusion.cancel", icon=":material/stop:", on_click=pool.stop, args=(key,)
            )
        elif seen.state == "cancelled":
            st.button(
                "Start again", key="occlusion.again", icon=":material/replay:", on_click=pool.forget,
                args=(key,),
            )  # fmt: skip
        elif latest is not None and latest.found.done < 1:
            st.button(
                "Start", key="occlusion.start", icon=":material/play_arrow:", type="primary", on_click=begin
            )


def _queued(place: int, sharing: int) -> str:
    if place:
        return f"Place {place + 1} in the queue: others are computing on this machine."
    return "Next, in turns with others." if sharing > 1 else "Measuring how long it will take …"


def _seconds(seconds: float) -> str:
    if seconds >= 90:
        return f"{seconds / 60:.0f} min"
    return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"


def _sheet(latest: Progress, image: Tensor, shown: Shown) -> None:
    """The picture with the square, and the maps."""
    found = latest.found.toward(shown.target)
    place = _place(found)
    sliding_square(
        occlusion_sheet.sheet(found, latest.projection, image, shown),
        key=_KEY,
        at=(found.ys[place[0]], found.xs[place[1]]),
        answer=occlusion_sheet.answer(found, place, image, shown),
        on_move=_moved,
    )


def _place(found: Occlusion) -> tuple[int, int]:
    """Row and column, among the places, of the one that the address names; else the one in the middle."""
    asked = state.query().get(_SQUARE, "")
    parts = asked.split(".")
    if len(parts) == 2 and all(part.isascii() and part.isdigit() and len(part) < 5 for part in parts):
        corner = [int(part) for part in parts]
    else:
        if asked:
            st.warning(
                prose.literal(f"There is no place {asked[:40]!r} of the square."), icon=":material/link_off:"
            )
        corner = [(side - found.size) // 2 for side in found.shape]
    row, column = (
        min(range(len(starts)), key=lambda i: abs(starts[i] - at))
        for starts, at in zip((found.ys, found.xs), corner, strict=True)
    )
    return row, column


def _moved() -> None:
    row, column = st.session_state[_KEY]["at"]
    state.put(_SQUARE, f"{int(row)}.{int(column)}")
