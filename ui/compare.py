"""Which networks the page Compare lays side by side: presets, pickers, and the address they stand in.

`nets` holds two to four words as `ui.controls.Study.token` writes them, with semicolons between; `layer` a
part of one of them: `0:stages.1.0`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial

import streamlit as st

from ui import cached, controls, prose, state
from ui.components.layer_graph import layer_graph
from ui.controls import Study
from zoo import VARIANTS, family_of, nearest
from zoo.anatomy import Alignment, Anatomy
from zoo.anatomy.align import CHANGED, ONLY, SAME

PRESETS = (
    ("vgg16", "resnet34"),
    ("plain34", "resnet34"),
    ("resnet50", "resnext50_32x4d"),
    ("resnet50", "convnext_tiny"),
    ("googlenet", "inception_v3"),
    ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large"),
    ("efficientnet_b0", "efficientnet_v2_s"),
    ("vit_b_16", "swin_t"),
    ("densenet121", "resnet50"),
    ("googlenet", "googlenet_tv"),
)
FEWEST, MOST = 2, 4
_COUNTED = {SAME: "are the same", CHANGED: "have changed", ONLY: "are only here"}
_NEXT = (
    "resnet50",
    "convnext_tiny",
    "vit_b_16",
    "efficientnet_b0",
    "vgg16",
)  # what "Add" adds, the first unseen


def networks() -> tuple[Study, ...]:
    """The networks of the address, with the controls to choose others.

    Where the address is wrong, the page says so, offers the nearest networks and stops here.
    """
    chosen, problem = _read(state.query().get("nets", ";".join(PRESETS[0])))
    if problem:
        st.error(prose.literal(problem), icon=":material/link_off:")
        st.button(
            f"Show {' and '.join(one.title for one in chosen)}",
            type="primary",
            key="compare.way_on",
            on_click=_show,
            args=([one.token for one in chosen],),
        )
        st.stop()
    _presets(chosen)
    with st.container(key="compare.networks"):
        for number, place in enumerate(st.columns(len(chosen), gap="medium")):
            with place:
                _network(number, chosen)
    return chosen


def anatomies(chosen: Sequence[Study]) -> tuple[Anatomy, ...]:
    """The networks taken apart; where one cannot exist, the page says why, offers a way on and stops here."""
    found = []
    for number, one in enumerate(chosen):
        try:
            found.append(cached.anatomy(one.specimen, one.size))
        except ValueError as error:
            _impossible(number, one, error)
    if len(found) < len(chosen):
        st.stop()
    return tuple(found)


def titles(chosen: Sequence[Study]) -> tuple[str, ...]:
    """What to call each network: what is turned stands beside the name, and equal ones are numbered."""
    names: list[str] = []
    for one in chosen:
        query = one.to_query()
        turned = [f"{query['size']} px"] if "size" in query else []
        turned += [f"{query['classes']} classes"] if "classes" in query else []
        turned += [f"{knob} {value}" for knob, value in one.specimen.knobs]
        name = f"{one.title}, {', '.join(turned)}" if turned else one.title
        names.append(f"{name} no. {names.count(name) + 1}" if name in names else name)
    return tuple(names)


def graphs(
    chosen: Sequence[Study], dissected: Sequence[Anatomy], alignment: Alignment
) -> tuple[int, str] | None:
    """The layer graphs with what is the same, changed and only here; a choice in one selects in all.

    Returns what is selected: the number of the network and the part's id.
    """
    selected = _selected(chosen, alignment)
    wishes: Sequence[str | None] = alignment.counterparts(*selected) if selected else [None] * len(chosen)
    abreast = 2 if len(chosen) == MOST else len(chosen)
    places = [place for _ in range(0, len(chosen), abreast) for place in st.columns(abreast, gap="medium")]
    for number, (one, title, place) in enumerate(zip(chosen, titles(chosen), places, strict=True)):
        with place:
            st.markdown(f"**{prose.literal(title)}**")
            layer_graph(
                cached.layer_graph(one.specimen, one.size),
                key=f"compare.graph.{number}",
                selected=wishes[number],
                height=620,
                marks=alignment.marks[number],
                on_select=partial(_select, number),
            )
            marks = Counter(alignment.marks[number][layer.id] for layer in dissected[number].layers)
            counted = (f"{marks[mark]} {words}" for mark, words in _COUNTED.items())
            st.caption(f"Of {marks.total()} operations {', '.join(counted)}.")
    return selected


def _read(nets: str) -> tuple[tuple[Study, ...], str]:
    """The networks that an address names, or the nearest that there are; and what is wrong with it."""
    words = [word for word in nets.split(";") if word]
    problem, found = "", []
    for word in words[:MOST]:
        try:
            found.append(Study.from_token(word))
        except ValueError as error:
            problem = problem or str(error)
            found.append(controls.nearest_token(word))
    if len(words) > MOST:
        problem = problem or f"The address names {len(words)} networks; at most {MOST} fit beside each other."
    if len(found) < FEWEST:
        problem = problem or "It takes two networks to compare."
        found += [Study.from_token(name) for name in PRESETS[0] if name not in words][: FEWEST - len(found)]
    return tuple(found), problem


def _show(tokens: Sequence[str]) -> None:
    state.write(nets=";".join(tokens), layer=None)


def _presets(chosen: Sequence[Study]) -> None:
    words = {";".join(preset): " / ".join(VARIANTS[name].title for name in preset) for preset in PRESETS}
    now = ";".join(one.token for one in chosen)
    key = state.shows("compare.preset", now if now in words else None)

    def picked() -> None:
        if st.session_state[key]:  # a second click on the one that is shown changes nothing
            _show(st.session_state[key].split(";"))

    st.pills("Pairs worth a look", list(words), format_func=words.__getitem__, key=key, on_change=picked)


def _network(number: int, chosen: Sequence[Study]) -> None:
    """One column: the picker, its knobs, and its place in the row."""
    one, tokens = chosen[number], [each.token for each in chosen]
    key = f"compare.{number}"

    def picked() -> None:
        _put(number, st.session_state[f"{key}.variant"])

    def turned() -> None:
        _put(number, controls.token(controls.wanted(key, one.variant.name)))

    st.selectbox(
        "First network" if number == 0 else f"Network {number + 1}",
        list(VARIANTS),
        format_func=_listed().__getitem__,
        key=state.shows(f"{key}.variant", one.variant.name),
        on_change=picked,
        help="Type a part of a name, of a family or a year to search."
        + ("" if number else " The other networks are held against this one."),
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        knobs = st.popover(
            "Turn", icon=":material/tune:", type="tertiary", key=f"{key}.turn", on_change="rerun",
            help="Input size, classes, knobs",
        )  # fmt: skip
        if knobs.open:  # not before: a closed one would not take the values that are set meanwhile
            with knobs:
                controls.turn(key, one, turned)
                published = [*tokens]
                published[number] = one.untouched.token
                _way("As published", "undo", f"{key}.reset", published, disabled=published == tokens)
        if number:
            swapped = [*tokens]
            swapped[number - 1], swapped[number] = tokens[number], tokens[number - 1]
            before = chosen[number - 1].title
            _way("Swap", "swap_horiz", f"{key}.swap", swapped, help=f"Change places with {before}")
        if len(chosen) > FEWEST:
            rest = [token for other, token in enumerate(tokens) if other != number]
            _way("Remove", "close", f"{key}.remove", rest, help=f"Compare without {one.title}")
        st.page_link(
            "pages/inspect.py", label="Inspect", icon=":material/account_tree:", query_params=one.to_query()
        )
        if number == len(chosen) - 1 and len(chosen) < MOST:
            new = next(name for name in _NEXT if name not in tokens)
            first = f"One more network, up to {MOST}; begins with {VARIANTS[new].title}"
            _way("Add", "add", "compare.add", [*tokens, new], help=first)


def _way(
    label: str, icon: str, key: str, tokens: Sequence[str], *, help: str | None = None, disabled: bool = False
) -> None:
    """A button to other networks."""
    st.button(
        label, icon=f":material/{icon}:", key=key, type="tertiary", on_click=_show, args=(tokens,), help=help,
        disabled=disabled,
    )  # fmt: skip


@cache
def _listed() -> Mapping[str, str]:
    """All variants as the pickers show them."""
    return {
        name: f"{row.title} · {family_of(name).title}, {row.year or family_of(name).year}"
        for name, row in VARIANTS.items()
    }


def _put(number: int, token: str) -> None:
    """Another network in one place; what was selected belonged to the last one."""
    tokens = [one.token for one in _read(state.query().get("nets", ";".join(PRESETS[0])))[0]]
    tokens[number] = token
    _show(tokens)


def _impossible(number: int, one: Study, problem: ValueError) -> None:
    sentence = f"{one.title} cannot read an image of {one.size} × {one.size} px. {problem}"
    working = cached.working_size(one.specimen, one.size)
    st.error(prose.literal(sentence), icon=":material/block:")
    ways = st.container(horizontal=True)
    if working:
        ways.button(
            f"Use {working} px", type="primary", key=f"compare.{number}.use", on_click=_put,
            args=(number, replace(one, size=working).token),
        )  # fmt: skip
    ways.button(
        f"Back to {one.title} as published", key=f"compare.{number}.back", on_click=_put,
        args=(number, one.untouched.token),
    )  # fmt: skip


def _select(number: int) -> None:
    part = st.session_state[f"compare.graph.{number}"]["selected"]
    state.write(layer=f"{number}:{part}" if part else None)


def _selected(chosen: Sequence[Study], alignment: Alignment) -> tuple[int, str] | None:
    """The part that the address names; a sentence where no network has it."""
    wanted = state.query().get("layer")
    if not wanted:
        return None
    number, _, part = wanted.partition(":")
    known = {str(n): one for n, one in enumerate(chosen)}
    if number not in known:
        sentence = f"There is no network {number!r}: the address counts them from 0 to {len(chosen) - 1}."
    elif part not in alignment.marks[int(number)]:
        sentence = f"{known[number].title} has no part called {part!r}. "
        sentence += nearest(part, alignment.marks[int(number)])
    else:
        return int(number), part
    st.warning(prose.literal(sentence), icon=":material/link_off:")
    return None
