"""Which network a page looks into, and with which weights: chosen in the sidebar, kept in the address.

In an address it is one word, `efficientnet_lite0,weights:imagenet`: a variant, then what differs from the
published network without training. A checkpoint knows its own classes and knobs, so its word needs neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from ui import cached, prose, state
from zoo import VARIANTS, Loaded, Specimen, family_of, imagenet, variant, weights

FIRST = Specimen("efficientnet_lite0", weights="imagenet")


@dataclass(frozen=True)
class Subject:
    """A network to look into, loaded."""

    specimen: Specimen
    loaded: Loaded
    title: str
    trained: bool


def token(specimen: Specimen) -> str:
    """The word of an address that names a specimen."""
    parts = [specimen.variant]
    if specimen.weights != "random":
        parts.append(f"weights:{specimen.weights}")
    if not _kept(specimen):
        query = specimen.to_query()
        parts += [f"classes:{query['classes']}"] if "classes" in query else []
        parts += filter(None, [query.get("knobs")])
    return ",".join(parts)


def parse(word: str) -> Specimen:
    """The specimen that such a word names; ValueError with a sentence where there is none."""
    name, *parts = word.split(",")
    query, turned = {"variant": name}, []
    for part in parts:
        key, _, value = part.partition(":")
        if key in ("weights", "classes"):
            query[key] = value
        else:
            turned.append(part)
    specimen = Specimen.from_query(query | {"knobs": ",".join(turned)})
    if not _kept(specimen):
        return specimen
    held = weights.specimen_of(specimen.weights)
    if held.variant != specimen.variant:
        raise ValueError(
            f"{_weights(held.weights)} belong to {variant(held.variant).title}, "
            f"not to {variant(specimen.variant).title}."
        )
    return held


def title(specimen: Specimen) -> str:
    """The network and its weights in words."""
    name = variant(specimen.variant).title
    turned = " with turned knobs" if specimen.knobs and not _kept(specimen) else ""
    return f"{name}{turned}, {_weights(specimen.weights)}"


def choices() -> dict[str, str]:
    """What can be shown at once, without a download: the word of each trained network, and its title."""
    found = [Specimen(name, weights="imagenet") for name in imagenet.offered() if imagenet.available(name)]
    found += [weights.specimen_of(f"shipped:{name}") for name in weights.shipped()]
    return {token(specimen): title(specimen) for specimen in found}


def choose(page: str) -> Subject:
    """The network that the address of a page names, with a list in the sidebar to choose another.

    Where it cannot be had, the page says why, offers a way on and stops here.
    """
    key = f"{page}.net"
    wanted = state.query().get(key) or token(FIRST)
    try:
        specimen, problem = parse(wanted), ""
    except ValueError as error:
        specimen, problem = FIRST, str(error)
    with st.sidebar:
        _picker(key, specimen)
    if not problem:
        try:
            loaded = cached.loaded(specimen)
        except ValueError as error:
            problem = str(error)
        else:
            return Subject(specimen, loaded, title(specimen), specimen.weights != "random")
    st.error(prose.literal(problem), icon=":material/link_off:")
    st.button(
        f"Show {variant(FIRST.variant).title}", type="primary", key=f"{key}.way_on", on_click=_put,
        args=(key, token(FIRST)),
    )  # fmt: skip
    st.stop()


def _picker(key: str, specimen: Specimen) -> None:
    listed: Mapping[str, str] = choices() | _untrained()
    now = token(specimen)
    if now not in listed:
        listed = {now: title(specimen), **listed}
    shown = state.shows(f"{key}.list", now)

    def chosen() -> None:
        _put(key, st.session_state[shown])

    st.selectbox(
        "Network", list(listed), format_func=lambda word: listed.get(word, word), key=shown, on_change=chosen,
        help="What has learnt stands first. Type a part of a name, a family or a year to search.",
    )  # fmt: skip


def _put(key: str, word: str) -> None:
    """Into the address, alone: the other parameters belong to their controls."""
    st.query_params[key] = word


def _untrained() -> dict[str, str]:
    """All networks with random weights."""
    found = {}
    for name in VARIANTS:
        family, own = family_of(name), title(Specimen(name))
        found[token(Specimen(name))] = f"{own} ({family.title}, {family.year})"
    return found


def _kept(specimen: Specimen) -> bool:
    """Whether its weights are a checkpoint, which says what network it holds."""
    return specimen.weights not in ("random", "imagenet")


def _weights(name: str) -> str:
    if name == "random":
        return "untrained"
    if name == "imagenet":
        return "ImageNet"
    facts = weights.describe(name)
    return f"trained on {facts.data} to epoch {facts.epoch}"
