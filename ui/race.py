"""The page Race: choose or put together two to four lanes, start them, and watch them side by side."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import mean
from types import MappingProxyType
from typing import Any

import streamlit as st

from training import data
from training.pool import Pool
from training.presets import PRESETS
from training.race import MOST, QUANTITIES, SHARED, Lane, Race, apart, cost, matched
from training.recipe import Recipe
from training.replay import RECORDINGS
from training.runs import ENDED
from ui import bound, browser, cached, lanes, looking, outcomes, player, prose, recipes, rights, rows, state
from ui.live import Log
from viz.figures.race import GLYPHS
from viz.figures.style import count
from zoo import FAMILIES, Specimen, family_of

OWN = "own"
_PICTURES = (500, 1000, 2000, 4000, 8000, 16_000)
_EPOCHS = (1, 2, 3, 5, 10, 15, 20, 30, 50)
_FIRST = ("resnet_classroom", "vgg_classroom", "mobilenet_v1_classroom", "vit_classroom")  # one a lane

# What a lane may do otherwise: key -> words, fields of the recipe.
CHANGES: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "none": ("nothing", {}),
        "norm": ("no batch norm", {"norm": False}),
        "sigmoid": ("sigmoids", {"activation": "sigmoid"}),
        "tanh": ("tanh", {"activation": "tanh"}),
        "gelu": ("GELU", {"activation": "gelu"}),
        "faster": ("four times the rate", {"rate": 0.2}),
        "slower": ("a tenth of the rate", {"rate": 0.005}),
        "adamw": ("AdamW at 0.001", {"optimiser": "adamw", "rate": 0.001, "weight_decay": 0.05}),
        "sgd": ("SGD without momentum", {"optimiser": "sgd"}),
        "constant": ("constant rate", {"schedule": "constant"}),
        "one-cycle": ("one cycle", {"schedule": "one-cycle"}),
        "batch": ("batches of 512", {"batch": 512}),
        "scaled": ("batches of 512, rate scaled", {"batch": 512, "linear_scaling": True}),
        "decay": ("no weight decay", {"weight_decay": 0.0}),
        "smoothing": ("label smoothing 0.1", {"label_smoothing": 0.1}),
        "dropout": ("dropout 0.3", {"dropout": 0.3}),
        "flip": ("flip and crop", {"flip": True, "crop": True}),
        "mixup": ("MixUp 0.2", {"mixup": 0.2}),
        "ema": ("EMA 0.98", {"ema": 0.98}),
        "zero": ("weights from N(0, 0.01)", {"initialisation": "normal"}),
        "progressive": ("progressive resizing", {"progressive": True}),
    }
)


def opened(pool: Pool) -> list[str]:
    """The runs that the address names, without those that there are not: each of these gets a sentence."""
    player.said()
    found: list[str] = []
    for wanted in filter(None, state.query().get(state.RACE, "").split(state.BETWEEN)):
        try:
            id = pool.runs.path(wanted).name
            pool.runs.recipe(id)
        except ValueError as error:
            st.error(prose.literal(f"{error} It may have been deleted."), icon=":material/link_off:")
            continue
        if id not in found:
            found.append(id)
    if len(found) > MOST:
        st.warning(f"A race has at most {MOST} lanes; the address names {len(found)}.")
    return found[:MOST]


def prepare(pool: Pool) -> None:
    """A preset or lanes of one's own, what they cost, and the start."""
    choices = {key: preset.title for key, preset in PRESETS.items()} | {OWN: "Put together your own"}
    left, right = st.columns([3, 1], vertical_alignment="bottom", gap="medium")
    with left:
        key = bound.picker("The race", "race.preset", choices)
    with right:
        seed = bound.slider(
            "Seed", "race.seed", range(10), 0,
            help="Of the weights, the choice of pictures and their order; all lanes share it.",
        )  # fmt: skip
    if key != OWN:
        st.markdown(f"**{prose.words('presets')[f'{key} question']}**")
    entered = _own(seed) if key == OWN else _seeded(PRESETS[key].race, seed)
    if isinstance(entered, str):
        st.error(prose.literal(entered), icon=":material/block:")
        return
    rows.table(_entry(entered), "The lanes and what they cost")
    _start(pool, entered, key)
    if key != OWN:
        words(key)


def _seeded(race: Race, seed: int) -> Race:
    return Race(lanes=tuple(replace(lane, recipe=replace(lane.recipe, seed=seed)) for lane in race.lanes))


def _own(seed: int) -> Race | str:
    """The lanes that the controls make, or why there can be no such race."""
    networks = {family.classroom.name: family.title for family in FAMILIES.values()}
    changes = {key: said for key, (said, _) in CHANGES.items()}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        lanes_ = bound.segments("Lanes", "race.lanes", {str(n): str(n) for n in range(2, MOST + 1)})
        alike = bound.segments(
            "Equal", "race.equal",
            {"no": "as they are"} | {quantity: f"equal {word}" for quantity, word in QUANTITIES.items()},
            help="Widths, and depths where needed, of the other lanes are turned until they cost what the "
            "first one does.",
        )  # fmt: skip
        pictures = bound.slider("Training pictures", "race.images", _PICTURES, 4000)
        epochs = bound.slider("Epochs", "race.epochs", _EPOCHS, 5)
        titles = {key: each.title for key, each in data.DATASETS.items()}
        kind = bound.segments("Pictures", "race.data", titles)
    if not data.ready(kind):
        return f"{titles[kind]} is not on this disk. Fetch it on the page Data, or take shapes."
    base = Recipe(data=kind, images=pictures, epochs=epochs, seed=seed)
    entered: list[Recipe] = []
    for at, column in enumerate(st.columns(int(lanes_), gap="medium")):
        with column:
            first = {_FIRST[at]: networks[_FIRST[at]]} | networks
            network = bound.picker(f"{GLYPHS[at]} Network {at + 1}", f"race.net.{at + 1}", first)
            change = bound.picker(
                f"What lane {at + 1} does otherwise", f"race.change.{at + 1}", changes,
                help="Everything else is the same in all lanes.",
            )  # fmt: skip
        try:
            recipe = replace(base, specimen=Specimen(network), **CHANGES[change][1])
            cost(recipe)
            if at and alike != "no":
                with st.spinner("Turning knobs …"):
                    recipe = matched(recipe, entered[0], alike)
        except ValueError as error:
            return f"Lane {at + 1}: {error}"
        entered.append(recipe)
    if len(set(entered)) < len(entered):
        return "Two lanes are the same. Give one of them another network, or something to do otherwise."
    return Race(
        lanes=tuple(Lane(name=name, recipe=each) for name, each in zip(names(entered), entered, strict=True))
    )


def names(entered: Sequence[Recipe]) -> list[str]:
    """What the lanes are called: as in the preset that they are, else by what tells them apart."""
    plain = [replace(recipe, seed=0) for recipe in entered]
    for preset in PRESETS.values():
        known = {lane.recipe: lane.name for lane in preset.race.lanes}
        if all(recipe in known for recipe in plain):
            return [known[recipe] for recipe in plain]
    return [_name(recipe, entered) for recipe in entered]


def _name(recipe: Recipe, entered: Sequence[Recipe]) -> str:
    """The network, then the fields in which the lanes differ where this one is not as planned."""
    knobs = [f"{name} {value}" for name, value in recipe.specimen.knobs]
    differ = {name for other in entered for name in recipes.differences(recipe, other) if name not in SHARED}
    said = [words for words, fields in CHANGES.values() if fields and _does(recipe, fields, differ)]
    if not said:
        said = [f"{name} {value}" for name, value in recipes.differences(recipe).items() if name in differ]
    return ", ".join([family_of(recipe.specimen.variant).title, *knobs, *said[:2]])


def _does(recipe: Recipe, fields: Mapping[str, Any], differ: set[str]) -> bool:
    """Whether a recipe does all of a change, and the change is all in which it differs."""
    others = {name for name in differ if getattr(recipe, name) != getattr(Recipe(), name)}
    return others == set(fields) and all(getattr(recipe, name) == value for name, value in fields.items())


def _entry(race: Race) -> list[dict[str, str]]:
    """The lanes as a table: what they cost, and how far that is from the first."""
    first = race.lanes[0].recipe
    found = []
    for at, lane in enumerate(race.lanes):
        price, recipe = cost(lane.recipe), lane.recipe
        row = {"Lane": f"{GLYPHS[at]}\N{NO-BREAK SPACE}{lane.name}"}
        for quantity, word in QUANTITIES.items():
            more = apart(recipe, first, quantity)
            beside = f" ({more:+.1%})" if at and abs(more) >= 0.0005 else ""
            row[word[0].upper() + word[1:]] = f"{count(getattr(price, quantity))}{beside}"
        row["Pictures"] = f"{recipe.images:,}" if recipe.images else "all"
        found.append(row | {"Epochs": f"{recipe.epochs}"})
    return found


def _start(pool: Pool, race: Race, key: str) -> None:
    # Each start has a number, so that the second of two quick clicks opens the race that the first one began.
    started: dict[int, list[str]] = st.session_state.setdefault("race.started", {})
    number = len(started)

    def start() -> None:
        if number not in started:
            group = f"{key}-{secrets.token_hex(3)}"
            started[number] = [
                pool.submit(lane.recipe, group=group, owner=browser.secret()) for lane in race.lanes
            ]
        # This parameter alone: the others belong to controls, and Streamlit lets nobody else write those.
        st.query_params[state.RACE] = state.BETWEEN.join(started[number])

    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.button(
            "Start the race", icon=":material/flag:", type="primary", key="race.go", on_click=player.attempt,
            args=(start,), width=200,
        )  # fmt: skip
        st.caption(
            f"{pool.slots} at once on {player.where(pool)}, one core each; the others wait in the queue. "
            "They share seed, pictures and their order."
        )
    if any(run.meta is not None and run.meta.group == key for run in RECORDINGS.list()):
        st.page_link(
            "pages/replay.py", label="No time? Watch this race recorded", icon=":material/replay:",
            query_params={state.RECORDING: key},
        )  # fmt: skip


def words(key: str) -> None:
    """What to look for, what the paper found, and what was found here."""
    said = prose.words("presets")
    st.markdown(f"**What to look for.** {said[f'{key} watch']}")
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(f"**In the paper.** {said[f'{key} paper']}")
    with right:
        st.markdown(f"**Here.** {said[f'{key} here']}")
        lanes.table(_measured(key), "race.measured")
        st.caption(prose.words("race")["measured"])


def _measured(key: str) -> str:
    """What the lanes came to, from the least to the largest of the seeds around the mean."""
    lines = ["| Lane | Training accuracy | Validation accuracy |", "|---|---:|---:|"]
    for at, lane in enumerate(PRESETS[key].race.lanes):
        rows = outcomes.rows(key, lane.name)
        cells = [f"{GLYPHS[at]}&nbsp;{prose.literal(lane.name)}"]
        for values in ([row.training for row in rows], [row.validation for row in rows]):
            low, high = 100 * min(values), 100 * max(values)
            cells.append(f"**{mean(values):.1%}** ({low:.1f}–{high:.1f})")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def watch(pool: Pool, ids: Sequence[str]) -> None:
    """The race: states, buttons for all lanes, and what is seen of them while they go."""
    entered = [pool.runs.recipe(id) for id in ids]
    called = names(entered)
    key = preset_of(entered)
    st.title(PRESETS[key].title if key else "Race")
    st.page_link("pages/race.py", label="Another race", icon=":material/add:", query_params={})
    every = player.every(*map(pool.runs.status, ids))

    @looking.again(every)
    def live() -> None:
        try:
            now = {id: pool.runs.status(id) for id in ids}
        except ValueError:  # deleted in another window
            st.rerun()
        player.said()
        logs = {id: cached.logs().read(pool.runs, id, at_rest=now[id] not in player.ALIVE) for id in ids}
        _buttons(pool, now)
        for at, id in enumerate(ids):
            _state(pool, at, called[at], id, now[id], logs[id], entered[at])
        lanes.draw(
            [
                lanes.Entrant(
                    name=called[at], run=id, recipe=entered[at], log=logs[id],
                    status=player.WORDS[now[id]][0].lower(),
                )
                for at, id in enumerate(ids)
            ],
            "race",
            quantity=PRESETS[key].quantity if key else "accuracy",
            link=lambda id: state.address("train", **{state.RUN: id}),
        )  # fmt: skip
        if player.every(*now.values()) != every:
            st.rerun()

    live()
    if key:
        words(key)


def preset_of(entered: Sequence[Recipe]) -> str | None:
    """The preset that these recipes are, whatever the seed."""
    plain = {replace(recipe, seed=0) for recipe in entered}
    return next(
        (key for key, preset in PRESETS.items() if plain == {lane.recipe for lane in preset.race.lanes}), None
    )


def _buttons(pool: Pool, now: Mapping[str, str]) -> None:
    """For all lanes at once that are the reader's; what a lane cannot do any more, it does not."""

    def each(command: Callable[[str], object], *states: str) -> None:
        for id in own:
            if pool.runs.status(id) in states:
                rights.steer(pool.runs, id, command)

    own = [id for id in now if rights.may(pool.runs, id)]
    states = [now[id] for id in own or now]
    if all(status in ENDED for status in states):
        return
    alive = any(status in player.ALIVE for status in states)
    with st.container(horizontal=True, gap="small", key="race.player"):
        if alive:
            st.button(
                "Pause all", icon=":material/pause:", type="primary", key="race.pause",
                on_click=player.attempt, args=(each, pool.pause, *player.ALIVE), disabled=not own,
            )  # fmt: skip
        else:
            st.button(
                "Go on", icon=":material/play_arrow:", type="primary", key="race.play",
                on_click=player.attempt, args=(each, pool.play, "paused", "interrupted"), disabled=not own,
            )  # fmt: skip
        st.button(
            "Stop all", icon=":material/stop:", key="race.stop", on_click=player.attempt,
            args=(each, pool.stop, *player.ALIVE, "paused", "interrupted"), disabled=not own,
            help="Ends all lanes. Their curves and weights are kept.",
        )  # fmt: skip
    if len(own) < len(now):
        st.caption(prose.words("rights")["some"] if own else rights.why("race"))


def _state(pool: Pool, at: int, name: str, id: str, status: str, log: Log, recipe: Recipe) -> None:
    """One lane's progress, and its place where it waits."""
    share = 0.0
    said = f"{GLYPHS[at]} **{prose.literal(name)}** {player.badge(status)}"
    if log.started is not None:
        share = min(1.0, log.step / (log.started.steps_per_epoch * recipe.epochs))
        said += f" epoch {log.step / log.started.steps_per_epoch:.1f} of {recipe.epochs}"
    elif status == "queued" and (place := pool.place(id)):
        said += f" place {place} in the queue"
    st.progress(share, said)
    if status == "failed":
        st.error(prose.literal(pool.runs.why(id)), icon=":material/error:")
