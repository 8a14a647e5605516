"""The page Evolution: which run, layer and maps; the film of its epochs; how soon each layer settles."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
import torch

from ui import (
    background,
    bound,
    cached,
    evolution_runs,
    evolution_settling,
    evolution_work,
    export,
    looking,
    prose,
    state,
)
from ui.background import told
from ui.components.evolution_film import evolution_film
from ui.evidence import save
from ui.evolution_film import Film, sent, sheet, table
from ui.evolution_runs import Watched
from ui.evolution_work import Column, Moment, Pictures, Tile
from viz import evolution, hooks, images
from viz.evolution import Stage
from viz.figures import evolution as figures
from zoo import weights

PAGE = "evolution"
_EPOCH = "evolution.epoch"  # of the address: the epoch that is looked at; without it the newest
_KEY = "evolution.film"
_REST = 0.7  # seconds between two looks at work under way
_SLOW = 2.0  # and at a run that goes on
_FIRST = 1.5  # seconds that the page waits for its first tiles

_WHICH = {"strongest": "Strongest", "restless": "Most jumps", "number": "By number"}
_COUNTS = (3, 4, 6, 8, 12)
_SHOWS = {"projections": "Projections", "both": "With patches", "patches": "Patches"}
_SETS = {"240": "240", "1000": "1,000"}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the reader wants to see of a run."""

    layer: Stage
    which: str  # "strongest", "restless" or "number"
    count: int
    numbers: tuple[int, ...]  # of maps, where they are asked for by number
    pictures: int  # to look through
    show: str
    stretch: bool
    undefined: str  # why the network has no projections; empty where it has


def render() -> None:
    watched = evolution_runs.choose()
    if not watched.epochs:
        _wait_for_the_first(watched)
        return
    try:
        layers, undefined = _layers(watched)
        wish = _controls(watched, layers, undefined)
        shown = evolution_work.pictures(watched, wish.pictures)
    except ValueError as error:
        st.info(prose.literal(str(error)), icon=":material/block:")
        return
    if undefined:
        st.info(
            prose.literal(f"{undefined} The patches can be watched all the same."), icon=":material/block:"
        )
    _watch(watched, shown, wish)


def _wait_for_the_first(watched: Watched) -> None:
    """A run without a checkpoint."""
    if not watched.grows:
        st.info(prose.literal(f"This run has kept no epoch. {watched.why}".strip()), icon=":material/block:")
        return

    @looking.again(_SLOW)
    def live() -> None:
        st.info("The run has kept no epoch yet: the first comes soon.", icon=":material/hourglass_top:")
        try:
            now = evolution_runs.found(watched.token)
        except ValueError:
            st.rerun()
        if now.epochs or not now.grows:
            st.rerun()

    live()


def _layers(watched: Watched) -> tuple[tuple[Stage, ...], str]:
    """The layers of a run's network, and why its units have no projection, if so. ValueError where none."""
    path = next((path for path in map(watched.path, watched.epochs) if path.is_file()), None)
    if path is None:
        raise ValueError("None of the epochs that this run had kept is there any more.")

    def made() -> tuple[tuple[Stage, ...], str]:
        loaded = weights.load_file(path)
        row = loaded.preprocess
        blank = torch.zeros(1, row.channels, row.size, row.size)
        return evolution.stages(loaded.model, blank), hooks.undefined(loaded.model) or ""

    return cached.once(("evolution layers", evolution_work.digest(path)), made)


def _controls(watched: Watched, layers: Sequence[Stage], undefined: str) -> Wish:
    words = prose.words(PAGE)
    titles = {each.path: f"Layer {each.depth}" for each in reversed(layers)}
    left, middle, right = st.columns([2, 2, 1.4], gap="medium", vertical_alignment="bottom")
    with left:
        path = bound.picker(
            "Layer, the last first", f"{PAGE}.layer.{watched.recipe.specimen.variant}",
            titles, help=words["layer"],
        )  # fmt: skip
    with middle:
        which = bound.segments("Maps", f"{PAGE}.maps", _WHICH, help=words["maps"])
    with right:
        count = bound.slider("How many", f"{PAGE}.count", _COUNTS, 6, disabled=which == "number")
    layer = next(each for each in layers if each.path == path)
    numbers = _numbers(layer) if which == "number" else ()
    with st.container(horizontal=True, gap="large", vertical_alignment="bottom"):
        show = bound.segments("Table shows", f"{PAGE}.show", _SHOWS)
        pictures = bound.segments(
            "Pictures to look through", f"{PAGE}.pictures", _SETS, help=words["pictures"]
        )
        stretch = bound.switch("Stretch contrast", f"{PAGE}.stretch", default=True, help=words["stretch"])
    if undefined:
        show = "patches"
    return Wish(
        layer=layer, which=which, count=count, numbers=numbers, pictures=int(pictures), show=show,
        stretch=stretch, undefined=undefined,
    )  # fmt: skip


def _numbers(layer: Stage) -> tuple[int, ...]:
    """Maps that the reader names."""
    text = st.text_input(
        "Numbers of maps", "0, 1, 2, 3, 4, 5", key=f"{PAGE}.numbers",
        bind="query-params", max_chars=80,
    )  # fmt: skip
    asked = [word for word in text.replace(",", " ").split() if word]
    known = [int(w) for w in asked if w.isascii() and w.isdigit() and len(w) < 6 and int(w) < layer.maps]
    if len(known) < len(asked) or not asked:
        st.warning(
            f"This layer has maps 0 to {layer.maps - 1}. Name them like this: 3, 17, 40.",
            icon=":material/numbers:",
        )
    return tuple(dict.fromkeys(known))[: _COUNTS[-1]]


def _watch(watched: Watched, shown: Pictures, wish: Wish) -> None:
    """Everything below the controls, looked at again while the run goes on or something is under way."""
    film = _film(watched, shown, wish, first=True)
    working = _working(film)
    every = _REST if working else _SLOW if watched.grows else None

    @looking.again(every)
    def live() -> None:
        try:
            now = evolution_runs.found(watched.token) if watched.grows else watched
        except ValueError as error:
            st.error(prose.literal(str(error)), icon=":material/link_off:")
            return
        film = _film(now, shown, wish)
        _status(now, film)
        if any(each is not None for each in film.tiles):
            _draw(film)
        _charts(film)
        if (_working(film), now.grows) != (working, watched.grows):
            st.rerun()

    live()


def _film(watched: Watched, shown: Pictures, wish: Wish, *, first: bool = False) -> Film:
    """The film as far as it is known. `first`: it waits a moment, so that what is quick is there at once."""
    columns = evolution_work.columns(watched, shown)
    moments = [column.moment for column in columns if column.moment]
    maps = _maps(moments, wish)
    known: list[Mapping[int, Tile] | None] = []
    states = []
    end = time.monotonic() + (_FIRST if first else 0)
    work = [evolution_work.tiles(watched, column, shown, wish.layer, maps) for column in columns]
    for column, seen in zip(columns, work, strict=True):
        if first and seen is not None and seen.alive:
            left = max(0.0, end - time.monotonic())
            seen = evolution_work.wait(column, shown, wish.layer, maps, left)
        known.append(seen.result if seen is not None and seen.state == "done" else None)
        states.append(_state(column, seen))
    return Film(
        layer=wish.layer, maps=maps, columns=columns, tiles=tuple(known), states=tuple(states),
        notes=tuple(_note(watched, column) for column in columns), pictures=shown, stretch=wish.stretch,
        show=wish.show, undefined=wish.undefined,
    )  # fmt: skip


def _maps(moments: Sequence[Moment], wish: Wish) -> tuple[int, ...]:
    """The maps that the reader wants, by number; the strongest are those of the newest epoch."""
    if wish.which == "number" or not moments:
        return wish.numbers
    answers = [moment.answers[wish.layer.path] for moment in moments]
    order = list(answers[-1].strongest)
    if wish.which == "restless":
        moved = evolution.jumps(
            torch.stack([torch.from_numpy(each.winners) for each in answers]).numpy()
        ).sum(0)
        order = list(moved + answers[-1].strongest / (1 + answers[-1].strongest.max()))
    return tuple(sorted(range(len(order)), key=lambda channel: -order[channel])[: wish.count])


def _state(column: Column, seen: background.Seen | None) -> str:
    """What stands in place of an epoch's tiles, in a word or two."""
    work = seen or column.seen
    if work is None:
        return "gone"
    return "failed" if work.state == "failed" else told(work)


def _note(watched: Watched, column: Column) -> str:
    """How good the network was at an epoch."""
    try:
        path = watched.path(column.epoch)
        facts = cached.once(("facts", evolution_work.digest(path)), lambda: weights.describe_file(path))
    except ValueError:
        return ""
    return "" if facts.accuracy is None else f"{facts.accuracy:.0%} right on pictures kept aside"


def _working(film: Film) -> bool:
    """Whether something of it comes by itself."""
    return any(
        known is None and not column.why and state not in ("failed", "gone")
        for known, column, state in zip(film.tiles, film.columns, film.states, strict=True)
    )


def _status(watched: Watched, film: Film) -> None:
    """What is under way, and what will not come."""
    for column in film.columns:
        if column.why:
            st.warning(prose.literal(column.why), icon=":material/history_toggle_off:")
    todo = [each for each in film.columns if each.seen and each.seen.alive]
    if todo:
        done, at = len(film.columns) - len(todo), film.columns.index(todo[0])
        share = sum(each.seen.share for each in todo if each.seen)
        st.progress(
            (done + share) / len(film.columns),
            f"{done} of {len(film.columns)} epochs looked through; epoch {todo[0].epoch}: {film.states[at]}",
        )
    if watched.grows:
        goes = "is paused" if watched.status == "paused" else "goes on"
        st.caption(
            f":material/sensors: The run {goes}. Kept so far: epochs {', '.join(map(str, watched.epochs))} "
            f"of {watched.recipe.epochs}; the next joins by itself."
        )
    elif watched.status not in ("finished", "stopped"):
        st.caption(
            prose.literal(f"This run is {watched.status}. {watched.why} Its epochs so far can be watched.")
        )


def _draw(film: Film) -> None:
    """The film, and all that can be taken away of it."""
    words = prose.words(PAGE)
    what = (
        "evolution film", film.pictures.token, film.layer, film.maps, film.stretch, film.show,
        tuple((c.epoch, c.moment.digest if c.moment and t is not None else s, n)
              for c, t, s, n in zip(film.columns, film.tiles, film.states, film.notes, strict=True)),
    )  # fmt: skip
    epoch = _epoch([column.epoch for column in film.columns])
    evolution_film(cached.once(what, lambda: sent(film)), key=_KEY, at=epoch, on_move=_moved)
    stretch = "stretch on" if film.stretch else "stretch off"
    layer = film.layer
    height, width = layer.size
    st.caption(
        f"Layer {layer.depth} ({prose.literal(layer.path)}): {layer.maps} maps of {height} × {width} units. "
        f"{film.pictures.title}. {words['tile']} {words[stretch]}"
    )
    _take_away(film)


def _epoch(kept: Sequence[int]) -> int | None:
    """The epoch that the address names; None for the newest."""
    asked = state.query().get(_EPOCH, "")
    if not asked or asked == "newest":
        return None
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else None
    if number not in kept:
        there = ", ".join(map(str, kept))
        sentence = f"There is no epoch {asked[:40]!r} among those that were kept: {there}."
        st.warning(prose.literal(sentence), icon=":material/link_off:")
    return number


def _moved() -> None:
    epoch = st.session_state[_KEY]["at"]
    state.put(_EPOCH, "newest" if epoch is None else str(int(epoch)))


def _take_away(film: Film) -> None:
    name = f"zoolens-evolution-layer-{film.layer.depth}"
    title = f"Layer {film.layer.depth}: strongest activations over {film.pictures.title}"
    with st.container(horizontal=True, gap="small"):
        save(
            "PNG",
            lambda: images.png(sheet(film, title)),
            f"{name}.png",
            "image/png",
            key=f"{PAGE}.png",
            icon="image",
        )
        save(
            "PDF, one page", lambda: images.pdf(sheet(film, title), title), f"{name}.pdf", "application/pdf",
            key=f"{PAGE}.pdf", icon="picture_as_pdf",
        )  # fmt: skip
        save(
            "Numbers (CSV)", lambda: export.as_csv(table(film)), f"{name}.csv", "text/csv", key=f"{PAGE}.csv",
            icon="table",
        )  # fmt: skip


def _charts(film: Film) -> None:
    known = [column for column in film.columns if column.moment]
    if len(known) < 2:
        return
    st.header("How strongly each map answers")
    lines = {
        f"map {channel}": [
            float(column.moment.answers[film.layer.path].strongest[channel])
            for column in known
            if column.moment
        ]
        for channel in film.maps
    }
    epochs = [column.epoch for column in known]
    figure = figures.curves(
        epochs, lines, title=f"Strongest activation, layer {film.layer.depth}", y="Activation",
    )  # fmt: skip
    st.plotly_chart(
        figure, key=f"{PAGE}.values", config=export.picture("zoolens-evolution-values"),
        alt=f"Strongest activation of maps {', '.join(map(str, film.maps))} at epochs {epochs}",
    )  # fmt: skip
    st.caption(prose.words(PAGE)["values"])
    evolution_settling.render(film, known)
