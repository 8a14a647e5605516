"""Which network a page looks into, and with which weights: chosen in the sidebar, kept in the address.

In an address it is one word, `efficientnet_lite0,weights:imagenet`: a variant, then what differs from the
published network without training. A checkpoint knows its own classes and knobs, so its word needs neither.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache

import streamlit as st

from training.data import DATASETS, OWN
from ui import cached, downloads, prose, state
from ui.kept import Kept
from zoo import VARIANTS, Loaded, Specimen, family_of, imagenet, variant, weights

FIRST = Specimen("efficientnet_lite0", weights="imagenet")
# Where the pages of the ZFNet laboratory begin: the best ZFNet that comes with the app.
LABORATORY = weights.specimen_of(
    next(f"shipped:{name}" for name in ("zfnet_photos", "zfnet_shapes") if name in weights.shipped())
)
_LENGTH = 80  # characters: more than any title has
_NOTHING = " "  # at the end of a line it is not seen; and there are 50,000 of them, of one byte


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
    if not _checkpoint(specimen):
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
    if not _checkpoint(specimen):
        return specimen
    held = weights.specimen_of(specimen.weights)
    if held.variant != specimen.variant:
        raise ValueError(
            f"The checkpoint {specimen.weights} holds {variant(held.variant).title}, "
            f"not {variant(specimen.variant).title}."
        )
    return held


def title(specimen: Specimen) -> str:
    """The network and its weights in words."""
    name = variant(specimen.variant).title
    if specimen.weights == "imagenet":
        return f"{name} · ImageNet"
    if specimen.weights == "random":
        return f"{name}{' with turned knobs' if specimen.knobs else ''} · untrained"
    if found := _shipped().get(token(specimen)):
        return found
    return _of_checkpoint(specimen)


def _of_checkpoint(specimen: Specimen) -> str:
    facts = weights.describe(specimen.weights)
    known = DATASETS.get(facts.data)
    # A knob with a word for a value makes another network of it, and not only a larger one.
    turned = (f"{knob} {value}" for knob, value in specimen.knobs if isinstance(value, str))
    name = ", ".join([variant(specimen.variant).title, *turned])
    return f"{name} · {known.title if known else facts.data.removeprefix(OWN)}, epoch {facts.epoch}"


def choices() -> dict[str, str]:
    """What can be shown at once, without a download: the word of each trained network, and its title."""
    there = imagenet.at_hand()
    found = [Specimen(name, weights="imagenet") for name in imagenet.offered() if name in there]
    return (
        {token(specimen): title(specimen) for specimen in found}
        | _shipped()
        | {_word(run, run.latest): _run_title(run) for run in _runs()}
    )


def choose(page: str, first: Specimen = FIRST) -> Subject:
    """The network that the address of a page names, with a list in the sidebar to choose another.

    `first`, which must be at hand, is what stands there where the address names none. Where a network cannot
    be had, the page says why, offers the ways on and stops here.
    """
    key = f"{page}.net"
    wanted = state.query().get(key) or token(first)
    try:
        specimen, problem = parse(wanted), ""
    except ValueError as error:
        specimen, problem = first, str(error)
    with st.sidebar:
        _picker(key, specimen)
    if not problem:
        try:
            with st.spinner("Loading the network …"):
                loaded = cached.loaded(specimen)
        except ValueError as error:
            problem = str(error)
        else:
            return Subject(specimen, loaded, title(specimen), specimen.weights != "random")
    if _to_download(specimen) and not imagenet.available(specimen.variant):
        _offer(key, specimen, first)
    else:
        st.error(prose.literal(problem), icon=":material/link_off:")
        with st.container(horizontal=True):
            if _to_download(specimen):  # what lies here is damaged
                _download(key, specimen)
            _ways_on(key, specimen, first)
    st.stop()


def _picker(key: str, specimen: Specimen) -> None:
    """A list to search, what is ready first."""
    run = next((run for run in _runs() if specimen.weights.startswith(f"run:{run.id}@")), None)
    now = token(specimen)
    listed = {word: _short(words) for word, words in choices().items()} | _downloadable() | _untrained()
    shown = _word(run, run.latest) if run else now
    if shown not in listed:
        listed = {shown: title(specimen), **listed}
    listed[shown] = listed[shown].rstrip(_NOTHING)
    drawn = state.shows(f"{key}.list", shown)

    def chosen() -> None:
        state.put(key, state.turned(drawn, listed))

    st.selectbox(
        "Network", list(listed), format_func=lambda word: listed.get(word, word), key=drawn, on_change=chosen,
        help="Those that are ready stand first: what came with the app, what was downloaded, your own runs. "
        "Then those to download (↓), and all networks untrained. Type part of a name or a family to search.",
    )  # fmt: skip
    if run:
        _moment(key, run, specimen)


def _behind(words: str, group: int) -> str:
    """The same title, short, so that a search puts it behind those of an earlier group.

    Streamlit orders what it finds by how well it fits, and what fits equally well by the length of the title.
    So a shorter one of a network without training would stand first.
    """
    return _short(words).ljust(group * _LENGTH, _NOTHING)


def _short(words: str) -> str:
    """A title that fits into the sidebar."""
    return words.replace(", classroom size", ", classroom")


def _moment(key: str, run: Kept, specimen: Specimen) -> None:
    """Which checkpoint of a run."""
    moment = specimen.weights.rpartition("@")[2]
    moments = list(run.moments) if moment in run.moments else [*run.moments, moment]
    drawn = state.shows(f"{key}.moment", moment)

    def chosen() -> None:
        state.put(key, _word(run, st.session_state[drawn]))

    st.select_slider(
        "Epoch", moments, key=drawn, on_change=chosen, help="The checkpoints that the run has kept."
    )


def _offer(key: str, specimen: Specimen, first: Specimen) -> None:
    """What there is to download, in place of what the page would show."""
    name, size = specimen.variant, imagenet.size(specimen.variant)
    errand = _errand(name)
    st.markdown(
        f"**{title(specimen)}.** These weights are published by torchvision and not on this disk yet: "
        f"{size / 1e6:,.0f} MB. They are checked against their checksum and kept for everybody who uses this "
        "machine."
    )
    if downloads.under_way(key, errand, lambda: None):
        return
    downloads.refusal(key, errand, "cloud_off")
    with st.container(horizontal=True):
        _download(key, specimen)
        _ways_on(key, specimen, first)


def _download(key: str, specimen: Specimen) -> None:
    name = specimen.variant
    st.button(
        f"Download ({imagenet.size(name) / 1e6:,.0f} MB)", icon=":material/download:", type="primary",
        key=f"{key}.download", on_click=downloads.start, args=(key, _errand(name), "weights", name),
    )  # fmt: skip


def _ways_on(key: str, specimen: Specimen, first: Specimen) -> None:
    """Buttons for what works instead."""
    ways = {"way_on": (first, variant(first.variant).title)}
    if specimen.weights != "random" and specimen != first:
        plain = Specimen(specimen.variant)
        ways["untrained"] = (plain, title(plain))
    for name, (other, words) in ways.items():
        st.button(f"Show {words}", key=f"{key}.{name}", on_click=state.put, args=(key, token(other)))


def _errand(name: str) -> str:
    return f"weights {name}"


def _to_download(specimen: Specimen) -> bool:
    """Whether torchvision publishes its weights."""
    published = Specimen(specimen.variant, weights="imagenet")
    return specimen == published != FIRST and specimen.variant in imagenet.offered()


def _downloadable() -> dict[str, str]:
    there = imagenet.at_hand()
    return {word: words for name, (word, words) in _published().items() if name not in there}


@cache
def _published() -> dict[str, tuple[str, str]]:
    """torchvision's: the word and the title of each variant."""
    found = {}
    for name in imagenet.offered():
        specimen = Specimen(name, weights="imagenet")
        words = f"{title(specimen)} ↓ {imagenet.size(name) / 1e6:,.0f} MB{_family(name)}"
        found[name] = token(specimen), _behind(words, 1)
    return found


@cache
def _untrained() -> dict[str, str]:
    """All networks with random weights."""
    return {
        token(specimen): _behind(f"{title(specimen)}{_family(specimen.variant)}", 2)
        for specimen in map(Specimen, VARIANTS)
    }


@cache
def _shipped() -> dict[str, str]:
    """The checkpoints that come with the app: the word of each, and a title that tells it from the others."""
    found = [weights.specimen_of(f"shipped:{name}") for name in weights.shipped()]
    titles = {specimen: _of_checkpoint(specimen).partition(", epoch")[0] for specimen in found}
    alike = Counter(titles.values())
    for specimen, words in titles.items():
        if specimen.knobs and alike[words] > 1:
            name, between, data = words.partition(" · ")
            turned = (f"{knob} {value}" for knob, value in specimen.knobs if not isinstance(value, str))
            titles[specimen] = ", ".join([name, *turned]) + between + data
    still = Counter(titles.values())
    for specimen, words in titles.items():
        if still[words] > 1:  # one network, trained in two ways: the files have names that say how
            plain = _of_checkpoint(specimen).partition(", epoch")[0]
            titles[specimen] = f"{plain} ({specimen.weights.partition(':')[2]})"
    return {token(specimen): words for specimen, words in titles.items()}


def _family(name: str) -> str:
    """What a search may ask for beside the title."""
    family = family_of(name).title
    return "" if family.lower() in variant(name).title.lower() else f" ({family})"


def _runs() -> tuple[Kept, ...]:
    return cached.kept_runs(str(weights.runs_root()))


def _word(run: Kept, moment: str) -> str:
    return f"{run.variant},weights:run:{run.id}@{moment}"


def _run_title(run: Kept) -> str:
    return f"{run.title} · your run, epoch {run.latest}"


def _checkpoint(specimen: Specimen) -> bool:
    """Whether its weights are in a file that says what network it holds."""
    return specimen.weights not in ("random", "imagenet")
