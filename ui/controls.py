"""The controls of Inspect. Each shows what the address says and writes the reader's choice into it."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from ui import catalogue, prose, state
from zoo import (
    FAMILIES,
    VARIANTS,
    Family,
    Knob,
    Specimen,
    Variant,
    family_of,
    imagenet,
    knobs,
    nearest,
    variant,
)
from zoo.anatomy import MapVanishedError
from zoo.registry import KnobValue
from zoo.specimen import KEYS, LARGEST_HEAD

LARGEST_INPUT = 1024  # pixels
_FIRST = "resnet50"  # for an address that names nothing
_SEGMENTS = 24  # letters that fit beside each other in the sidebar


@dataclass(frozen=True)
class Study:
    """What a page looks at: a network, and the side in pixels of its square input image."""

    specimen: Specimen
    size: int

    @property
    def variant(self) -> Variant:
        return variant(self.specimen.variant)

    @property
    def family(self) -> Family:
        return family_of(self.specimen.variant)

    @property
    def untouched(self) -> "Study":
        """The variant as published."""
        return Study(Specimen(self.specimen.variant), self.variant.input_size)

    @property
    def title(self) -> str:
        return self.variant.title

    def to_query(self) -> dict[str, str]:
        size = {} if self.size == self.variant.input_size else {"size": str(self.size)}
        return self.specimen.to_query() | size

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "Study":
        """What an address names; ValueError with a sentence where it names something impossible."""
        specimen = Specimen.from_query({"variant": _FIRST, **query})
        if specimen.weights == "imagenet":
            imagenet.demand(specimen.variant)
        size = query.get("size") or str(variant(specimen.variant).input_size)
        if not (size.isascii() and size.isdigit() and 1 <= int(size) <= LARGEST_INPUT):
            raise ValueError(
                f"The input size must be a whole number of pixels from 1 to {LARGEST_INPUT}, not {size!r}."
            )
        return cls(specimen, int(size))

    @property
    def token(self) -> str:
        """All of it in one word of an address: `resnet50,size:160,classes:10,depths.2:4`."""
        return token(self.to_query())

    @classmethod
    def from_token(cls, word: str) -> "Study":
        """What such a word names; ValueError with a sentence where it names something impossible."""
        return cls.from_query(_from_token(word))


def token(query: Mapping[str, str]) -> str:
    """Parameters of an address as one word, whether or not they are possible."""
    parts = [f"{name}:{query[name]}" for name in ("size", "classes") if name in query]
    return ",".join([query["variant"], *parts, *filter(None, [query.get("knobs")])])


def _from_token(word: str) -> dict[str, str]:
    name, *parts = word.split(",")
    query = {"variant": name}
    knobs = []
    for part in parts:
        key, _, value = part.partition(":")
        if key in ("size", "classes"):
            query[key] = value
        else:
            knobs.append(part)
    return query | ({"knobs": ",".join(knobs)} if knobs else {})


def nearest_token(word: str) -> Study:
    """What a word of an address names, without the parts of it that are wrong."""
    return nearest_study(_from_token(word))


def study() -> Study:
    """Family, variant, knobs, input size and classes in the sidebar.

    Where the address is wrong, the page says so, offers the nearest network and stops here.
    """
    query = state.query()
    try:
        chosen = Study.from_query(query)
        problem = ""
    except ValueError as error:
        chosen, problem = nearest_study(query), str(error)
    with st.sidebar:
        _picker(chosen)
    if problem:
        st.title("Inspect")
        st.error(prose.literal(problem), icon=":material/link_off:")
        st.button(
            f"Show {chosen.title}",
            type="primary",
            key="inspect.way_on",
            on_click=show,
            args=(chosen,),
            kwargs=_view(query),
        )
        st.stop()
    return chosen


def show(chosen: Study, **others: str | None) -> None:
    """Turn the page to another network; what belongs to the last one leaves the address."""
    _write(chosen.to_query() | others)


def _write(query: Mapping[str, str | None]) -> None:
    gone: dict[str, str | None] = dict.fromkeys((*KEYS, "size", "layer", "unit"))
    state.write(**gone | dict(query))


def select(layer: str | None) -> None:
    """Put a layer or block, or none, into the address."""
    state.write(layer=layer, unit=None)


def nearest_study(query: Mapping[str, str]) -> Study:
    """What an address names, without the parts of it that are wrong."""
    name = query.get("variant", _FIRST)
    close = [name] if name in VARIANTS else difflib.get_close_matches(name.lower(), VARIANTS, 1, cutoff=0.5)
    study = Study.from_query({"variant": close[0] if close else _FIRST})
    parts = [(part, query[part]) for part in ("weights", "classes", "size") if part in query]
    for part, value in [*parts, *(("knobs", knob) for knob in query.get("knobs", "").split(",") if knob)]:
        right = study.to_query()
        if part == "knobs":  # each for itself: one that is wrong does not take the others with it
            value = f"{right.get('knobs', '')},{value}"
        with suppress(ValueError):
            study = Study.from_query(right | {part: value})
    return study


def segments(
    label: str,
    parameter: str,
    choices: Mapping[str, str],
    *,
    help: str | None = None,
    page: str = "inspect",
    resets: Sequence[str] = (),
) -> str:
    """One of a few values of a parameter of the address (value -> words); the first is the default.

    A choice takes the parameters `resets` out of the address.
    """
    value, default = known(parameter, choices)
    key = state.shows(f"{page}.{parameter}", value)

    def chosen() -> None:
        picked = st.session_state[key]
        gone: dict[str, str | None] = dict.fromkeys(resets)
        state.write(**gone | {parameter: None if picked == default else picked})

    st.segmented_control(
        label,
        list(choices),
        format_func=lambda choice: choices.get(choice, choice),
        required=True,
        key=key,
        on_change=chosen,
        help=help,
    )
    return value


def tabs(parameter: str, choices: Mapping[str, str]) -> tuple[str, TabContainer]:
    """Tabs for the values of a parameter of the address (value -> title): the open one, and its place.

    What is not open is not computed.
    """
    value, default = known(parameter, choices)
    titles = {title: choice for choice, title in choices.items()}
    key = state.shows(f"inspect.{parameter}", choices[value])

    def chosen() -> None:
        picked = titles[st.session_state[key]]
        state.write(**{parameter: None if picked == default else picked})

    drawn = st.tabs(list(titles), key=key, on_change=chosen)
    return value, drawn[list(choices).index(value)]


def known(parameter: str, choices: Mapping[str, str], default: str | None = None) -> tuple[str, str]:
    """The value of a parameter of the address, and its default, else the first. Warns of any other value."""
    default = next(iter(choices)) if default is None else default
    value = state.query().get(parameter, default)
    if value in choices:
        return value, default
    _unknown(parameter, value, choices)
    return default, default


def several(label: str, parameter: str, choices: Mapping[str, str], *, help: str | None = None) -> list[str]:
    """Any number of the values of a parameter of the address (value -> words), in the order of `choices`."""
    wanted = [value for value in state.query().get(parameter, "").split(",") if value]
    if unknown := [value for value in wanted if value not in choices]:
        _unknown(parameter.removesuffix("s"), ",".join(unknown), choices)
    key = state.shows(f"inspect.{parameter}", [value for value in choices if value in wanted])

    def chosen() -> None:
        state.write(**{parameter: ",".join(st.session_state[key]) or None})

    return st.pills(
        label,
        list(choices),
        format_func=lambda choice: choices.get(choice, choice),
        selection_mode="multi",
        key=key,
        on_change=chosen,
        help=help,
    )


def _unknown(parameter: str, value: str, choices: Iterable[str]) -> None:
    st.warning(prose.literal(f"There is no {parameter} called {value!r}. {nearest(value, choices)}"))


def impossible(chosen: Study, problem: ValueError, working: int | None) -> None:
    """Say why a network cannot exist, and offer the ways on; `working` is an input that it could read."""
    sentence, kind = str(problem), "nearest"
    if isinstance(problem, MapVanishedError):
        image = f"{chosen.size} × {chosen.size} px"
        sentence, kind = f"An image of {image} is too small for {chosen.title}. {sentence}", "smallest"
    if working:
        sentence += f" The {kind} input that works is {working} × {working} px."
    st.error(prose.literal(sentence), icon=":material/block:")
    ways = st.container(horizontal=True)
    if working:
        nearer = replace(chosen, size=working)
        ways.button(f"Use {working} px", type="primary", key="inspect.use", on_click=show, args=(nearer,))
    ways.button(
        f"Back to {chosen.title} as published", key="inspect.back", on_click=show, args=(chosen.untouched,)
    )


def representative(family: Family) -> Study:
    """The variant to begin with, as on the family's card in the Gallery."""
    row = catalogue.representative(family)
    return Study(Specimen(row.name), row.input_size)


def ancestor(family: Family) -> Family | None:
    """The family whose ideas it grew from first, or one that grew from it; None where there is neither."""
    near = [*family.parents, *(other.key for other in FAMILIES.values() if family.key in other.parents)]
    return FAMILIES[near[0]] if near else None


def _picker(chosen: Study) -> None:
    family, row = chosen.family, chosen.variant
    st.selectbox(
        "Family",
        list(FAMILIES),
        format_func=lambda key: f"{FAMILIES[key].title} ({FAMILIES[key].year}, {FAMILIES[key].kind})",
        key=state.shows("inspect.family", family.key),
        on_change=_family_chosen,
        help="One paper, one family; the oldest first. Type a part of a name, a year or a kind to search.",
    )
    st.selectbox(
        "Variant",
        [v.name for v in family.variants],
        format_func=lambda name: VARIANTS[name].title,
        key=state.shows("inspect.variant", row.name),
        on_change=_variant_chosen,
        help="One row of the paper's table.",
    )
    turn("inspect", chosen, partial(_turned, row.name))
    st.button(
        "Reset knobs",
        icon=":material/undo:",
        key="inspect.reset",
        disabled=chosen == chosen.untouched,
        on_click=show,
        args=(chosen.untouched,),
        help=f"Back to {row.title} as published.",
    )


def turn(key: str, chosen: Study, turned: Callable[[], None]) -> None:
    """Input size, classes and knobs; their keys begin with `key`, and `wanted` reads them."""
    row = chosen.variant
    left, right = st.columns(2)  # fields without limits: what is beyond ours is answered with a sentence
    left.number_input(
        "Input, pixels",
        value=None,
        step=1,
        key=state.shows(f"{key}.size", chosen.size),
        on_change=turned,
        placeholder=str(row.input_size),
        help=f"Height and width of the image, from 1 to {LARGEST_INPUT:,}. {row.title} was published for "
        f"{row.input_size}; an empty field brings that back.",
    )
    right.number_input(
        "Classes",
        value=None,
        step=1,
        key=state.shows(f"{key}.classes", chosen.specimen.num_classes or row.num_classes),
        on_change=turned,
        placeholder=str(row.num_classes),
        help=f"What the network can tell apart, from 1 to {LARGEST_HEAD:,}. {row.title} was published for "
        f"{row.num_classes:,}; an empty field brings that back.",
    )
    turn_knobs(key, chosen, turned)


def wanted(key: str, name: str) -> dict[str, str]:
    """What the controls that `turn` has drawn for the variant say, as parameters of an address.

    A number stands there as it was typed, to be answered for where it is read; an empty field does not.
    """
    now = st.session_state
    turned = Study(turned_knobs(key, name), variant(name).input_size)
    typed = {
        parameter: str(now[f"{key}.{parameter}"])
        for parameter, published in (("size", turned.size), ("classes", turned.variant.num_classes))
        if now[f"{key}.{parameter}"] not in (None, published)
    }
    return turned.to_query() | typed


def turned_knobs(key: str, name: str) -> Specimen:
    """The variant with its knobs as the controls that `turn_knobs` has drawn stand."""
    now = st.session_state
    values = {knob: now[f"{key}.knob.{knob}"] for knob in knobs(name) if f"{key}.knob.{knob}" in now}
    return Specimen(name, knobs=tuple(values.items()))


def turn_knobs(key: str, chosen: Study, on_change: Callable[[], None]) -> None:
    """A control for each knob; the elements of a tuple side by side under the tuple's name."""
    row, turned = chosen.variant, dict(chosen.specimen.knobs)
    allowed = knobs(row.name)
    for argument, group in groupby(allowed, key=lambda name: name.partition(".")[0]):
        keys = list(group)
        words = argument.replace("_", " ")
        title = words.capitalize() if len(words) > 2 else words  # w0 and wa are the letters of a paper
        if keys == [argument]:
            _knob(key, title, *allowed[argument], turned, on_change)
            continue
        st.markdown(f"**{title}**: {allowed[keys[0]][0].meaning}")
        for pair in zip(keys[::2], [*keys[1::2], ""], strict=False):  # row by row, for the keyboard's sake
            for column, name in zip(st.columns(2), filter(None, pair), strict=False):
                with column:
                    number = int(name.rpartition(".")[2]) + 1
                    _knob(key, f"{title} {number}", *allowed[name], turned, on_change)


def _knob(
    page: str,
    label: str,
    knob: Knob,
    default: KnobValue,
    turned: Mapping[str, KnobValue],
    on_change: Callable[[], None],
) -> None:
    key = state.shows(f"{page}.knob.{knob.name}", turned.get(knob.name, default))
    meaning = f"{knob.meaning[0].upper()}{knob.meaning[1:]}. Published: {_words(default)}."
    if len(knob.choices) == 1:
        return
    if not any(isinstance(choice, str | bool) for choice in knob.choices):
        st.select_slider(label, knob.choices, key=key, help=meaning, on_change=on_change)
    elif sum(len(_words(choice)) for choice in knob.choices) <= _SEGMENTS:
        st.segmented_control(
            label,
            knob.choices,
            format_func=_words,
            required=True,
            key=key,
            help=meaning,
            on_change=on_change,
        )
    else:
        st.selectbox(label, knob.choices, format_func=_words, key=key, help=meaning, on_change=on_change)


def _words(choice: KnobValue) -> str:
    return {True: "yes", False: "no"}[choice] if isinstance(choice, bool) else str(choice)


def _family_chosen() -> None:
    show(representative(FAMILIES[st.session_state["inspect.family"]]))


def _variant_chosen() -> None:
    show(nearest_study({"variant": st.session_state["inspect.variant"]}))


def _turned(name: str) -> None:
    """All controls of a variant are read anew, so that of two quick turns none is lost."""
    _write(wanted("inspect", name) | _view(state.query()))


def _view(query: Mapping[str, str]) -> dict[str, str]:
    """What an address says of the place in a network that it shows."""
    return {parameter: query[parameter] for parameter in ("layer", "unit") if parameter in query}
