"""The controls of a recipe. Each shows what the address says and writes the reader's choice into it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from types import MappingProxyType

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from training.recipe import ACCEPTED, LIMITS, REFERENCE_BATCH, Recipe
from ui import controls, prose, recipes, scaling_rule, state
from ui.controls import Study
from ui.recipes import Draft
from zoo import VARIANTS, Specimen, family_of
from zoo.family import HasAuxiliaryHeads

_WIDTHS = (5, 3, 4)  # of the columns of what is always in sight: the longest words stand in the first
_LONGEST = 20_000  # bytes of a recipe that is looked at; one of ours has about a thousand


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of the recipe: a switch, one of a few words, or a number that is chosen or typed."""

    name: str
    label: str
    offered: Sequence[float | None] = ()  # numbers
    zero: str = ""  # what 0 is called

    def words(self, text: str) -> str:
        """What the control shows for a value of the address."""
        if self.zero and text == "0":
            return self.zero
        if self.offered or self.name in ACCEPTED:
            try:
                return recipes.said(self.name, recipes.value(self.name, text))
            except (KeyError, ValueError):
                return text
        return text


@dataclass(frozen=True, kw_only=True)
class Group:
    """Fields that are turned together, behind one button."""

    title: str
    icon: str
    fields: tuple[Field, ...]


FIRST: Mapping[str, Field] = MappingProxyType(
    {
        field.name: field
        for field in (
            Field(
                name="images",
                label="Training pictures",
                offered=(250, 500, 1000, 2000, 4000, 8000, 16_000, None),
            ),
            Field(name="epochs", label="Epochs", offered=(1, 2, 5, 10, 15, 20, 30, 60, 100)),
            Field(name="batch", label="Batch", offered=(8, 16, 32, 64, 128, 256, 512)),
            Field(name="optimiser", label="Optimiser"),
            Field(
                name="rate",
                label="Learning rate",
                offered=(1e-4, 3e-4, 0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1),
            ),
            Field(name="schedule", label="Schedule"),
        )
    }
)
GROUPS: tuple[Group, ...] = (
    Group(
        title="Optimiser",
        icon="speed",
        fields=(
            Field(name="linear_scaling", label="Scale the rate with the batch"),
            Field(name="momentum", label="Momentum", offered=(0, 0.5, 0.9, 0.95, 0.99), zero="none"),
            Field(
                name="weight_decay",
                label="Weight decay",
                offered=(0, 1e-5, 1e-4, 5e-4, 0.001, 0.01, 0.05),
                zero="none",
            ),
            Field(name="clip", label="Clip the gradient to", offered=(0, 0.1, 0.5, 1, 5), zero="off"),
            Field(name="agc", label="Adaptive clipping", offered=(0, 0.01, 0.02, 0.08, 0.16), zero="off"),
            Field(name="filter_clip", label="Clip first filters to", offered=(0, 0.1, 0.2), zero="off"),
            Field(name="precision", label="Precision"),
        ),
    ),
    Group(
        title="Data parallel",
        icon="hub",
        fields=(Field(name="workers", label="Workers", offered=(1, 2, 4, 8)),),
    ),
    Group(
        title="Schedule",
        icon="show_chart",
        fields=(
            Field(name="warm_up", label="Warm-up, epochs", offered=(0, 0.5, 1, 2, 3, 5), zero="none"),
            Field(name="step_every", label="Epochs between steps", offered=(1, 2, 3, 5, 10, 20)),
            Field(name="step_factor", label="Factor of a step", offered=(0.1, 0.2, 0.3, 0.5)),
        ),
    ),
    Group(
        title="Regularisation",
        icon="shield",
        fields=(
            Field(name="label_smoothing", label="Label smoothing", offered=(0, 0.05, 0.1, 0.2), zero="off"),
            Field(name="dropout", label="Dropout", offered=(None, 0, 0.1, 0.2, 0.3, 0.5)),
            Field(name="stochastic_depth", label="Stochastic depth", offered=(None, 0, 0.1, 0.2, 0.5)),
            Field(name="auxiliary", label="Weight of auxiliary losses", offered=(0, 0.1, 0.3, 0.5, 1)),
        ),
    ),
    Group(
        title="Augmentation",
        icon="auto_fix_high",
        fields=(
            Field(name="flip", label="Flip"),
            Field(name="crop", label="Random crop"),
            Field(name="colour", label="Colour jitter", offered=(0, 0.1, 0.2, 0.4), zero="off"),
            Field(name="randaugment", label="RandAugment", offered=(0, 5, 9, 14), zero="off"),
            Field(name="mixup", label="MixUp, α", offered=(0, 0.1, 0.2, 0.4, 1), zero="off"),
            Field(name="cutmix", label="CutMix, α", offered=(0, 0.2, 0.5, 1), zero="off"),
            Field(name="progressive", label="Progressive resizing"),
        ),
    ),
    Group(
        title="Averaging",
        icon="stacked_line_chart",
        fields=(
            Field(
                name="ema", label="EMA, decay a step", offered=(0, 0.9, 0.98, 0.99, 0.995, 0.999), zero="off"
            ),
            Field(name="swa", label="SWA, from this share on", offered=(0, 0.5, 0.6, 0.75, 0.9), zero="off"),
        ),
    ),
    Group(
        title="Experiments",
        icon="science",
        fields=(
            Field(name="activation", label="Activation"),
            Field(name="norm", label="Batch norm"),
            Field(name="initialisation", label="Initial weights"),
            Field(name="seed", label="Seed", offered=(0, 1, 2, 3, 4)),
        ),
    ),
    Group(
        title="Pictures and limits",
        icon="rule",
        fields=(
            Field(name="validation", label="Pictures kept aside", offered=(200, 500, 1000, 2000, 5000)),
            Field(name="size", label="Side, pixels", offered=(16, 24, 28, 32, 48, 64)),
            Field(name="patience", label="Stop early after, epochs", offered=(0, 2, 3, 5, 10), zero="never"),
        ),
    ),
)
_ALL: Mapping[str, Field] = MappingProxyType(
    dict(FIRST) | {field.name: field for group in GROUPS for field in group.fields}
)


def network(draft: Draft) -> None:
    """The network, and a popover with its knobs."""
    chosen = draft.recipe.specimen
    choice, knobs = st.columns([5, 2], vertical_alignment="bottom")
    choice.selectbox(
        "Network",
        list(dict.fromkeys([*_networks(), chosen.variant])),
        format_func=_titled,
        key=state.shows("train.variant", chosen.variant),
        on_change=_chosen,
        help=prose.words("train")["field network"],
    )
    with knobs:
        turning = st.popover(
            "Turn", icon=":material/tune:", key="train.turn", on_change="rerun", width="stretch"
        )
        if turning.open:  # not before: a closed one would not take the values that are set meanwhile
            with turning:
                study = Study(chosen, draft.recipe.size)
                controls.turn_knobs("train", study, _turned)
                st.button(
                    "As published", icon=":material/undo:", key="train.published", on_click=_published,
                    disabled=not chosen.knobs,
                )  # fmt: skip
    _problem("specimen", draft)


def data(draft: Draft, choices: Mapping[str, str]) -> None:
    """The data set, of `choices` (key -> words)."""
    st.selectbox(
        "Data",
        list(dict.fromkeys([*choices, draft.recipe.data])),
        format_func=lambda key: choices.get(key, key),
        key=state.shows("train.data", draft.recipe.data),
        on_change=_turned,
        help=prose.words("train")["field data"],
    )
    _problem("data", draft)


def first(draft: Draft) -> None:
    """The fields that are always in sight."""
    for field, place in zip(FIRST.values(), _grid(len(FIRST), _WIDTHS), strict=True):
        with place:
            _control(field, draft)
    if draft.recipe.workers > 1:
        scaling_rule.rule(draft.recipe)
    elif draft.recipe.linear_scaling:
        st.caption(scaled(draft.recipe))


def groups(draft: Draft) -> None:
    """All other fields, a button for each group, which says how many of them are not at their default."""
    changed = recipes.differences(draft.recipe)
    with st.container(horizontal=True, gap="small", key="train.groups"):
        for group in GROUPS:
            count = sum(field.name in changed or field.name in draft.problems for field in group.fields)
            opened = st.popover(
                f"{group.title} · {count}" if count else group.title,
                icon=f":material/{group.icon}:",
                key=f"train.group.{group.title}",
                on_change="rerun",
            )
            if opened.open:
                with opened:
                    for field in group.fields:
                        _control(field, draft)
                    if group.title == "Data parallel":
                        st.markdown(prose.words("train")["rule"])
        with st.popover("From a file", icon=":material/upload_file:", key="train.file"):
            _upload()


def changes(draft: Draft) -> None:
    """What is not at its default, and the way back."""
    changed = recipes.differences(draft.recipe)
    listed = [f"{label(name).lower()} **{prose.literal(value)}**" for name, value in changed.items()]
    if not listed and draft.recipe.specimen == Recipe().specimen and not draft.problems:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if listed:
            st.markdown(f"Not at their defaults: {', '.join(listed)}.", width="content")
        st.button(
            "Back to the defaults", icon=":material/undo:", type="tertiary", key="train.defaults",
            on_click=show, args=(Recipe(),),
        )  # fmt: skip


def show(recipe: Recipe) -> None:
    """Fill the controls, and leave the run that was open."""
    state.replace(**recipes.to_query(recipe))


def scaled(recipe: Recipe) -> str:
    """What linear scaling has done."""
    rate, peak = recipes.text(recipe.rate), recipes.text(round(recipe.peak, 10))
    return f"Scaled with the batch: {rate} × {recipe.global_batch} / {REFERENCE_BATCH} = **{peak}**."


def label(name: str) -> str:
    """What the controls call a field."""
    return {"data": "Data", "specimen": "Network"}.get(name) or field(name).label


def field(name: str) -> Field:
    """The control of a field."""
    return _ALL[name]


def _upload() -> None:
    """A recipe from a file, which fills the controls; a sentence where it is none."""
    st.file_uploader(
        "A recipe as JSON", type="json", key="train.upload", on_change=_uploaded, max_upload_size=1,
        help=prose.words("train")["upload"],
    )  # fmt: skip
    if refused := st.session_state.get("train.refused"):
        st.error(prose.literal(refused), icon=":material/block:")


def _control(field: Field, draft: Draft) -> None:
    default = recipes.text(getattr(Recipe(), field.name))
    now = draft.texts.get(field.name, default)
    idle = _idle(field.name, draft.recipe)
    key = f"train.{field.name}"
    help = prose.words("train")[f"field {field.name}"]
    if isinstance(getattr(Recipe(), field.name), bool):
        st.toggle(
            field.label, key=state.shows(key, now == "on"), on_change=_turned, help=help, disabled=bool(idle)
        )
    else:
        offered = [recipes.text(value) for value in field.offered] or list(ACCEPTED[field.name])
        if now not in offered:
            offered = sorted([*offered, now], key=partial(_order, field.name))
        limits = LIMITS.get(field.name)
        if limits:
            help += f" Type any other number from {limits[0]:,g} to {limits[1]:,g}."
        st.selectbox(
            field.label,
            offered,
            format_func=field.words,
            key=state.shows(key, now),
            on_change=_turned,
            accept_new_options=bool(field.offered),
            help=help,
            disabled=bool(idle),
        )
    if idle:
        st.caption(idle)
    if field.name == "linear_scaling" and draft.recipe.linear_scaling:
        st.caption(scaled(draft.recipe))
    _problem(field.name, draft)


def _problem(name: str, draft: Draft) -> None:
    if name in draft.problems:
        st.markdown(f":red[:material/error: {prose.literal(draft.problems[name])}]")


def _idle(name: str, recipe: Recipe) -> str:
    """Why turning a field would change nothing."""
    if name == "momentum" and recipe.optimiser not in ("momentum", "nesterov", "rmsprop"):
        return f"{ACCEPTED['optimiser'][recipe.optimiser]} has no momentum to set."
    if name in ("step_every", "step_factor") and recipe.schedule not in ("step", "plateau"):
        return "Only for the schedules that step down."
    if name == "auxiliary" and not issubclass(family_of(recipe.specimen.variant).model, HasAuxiliaryHeads):
        return "This network has no auxiliary heads."
    return ""


def _order(name: str, text: str) -> tuple[bool, float]:
    """Numbers by size; what is none comes last."""
    value = recipes.value(name, text)
    return (False, float(value)) if isinstance(value, int | float) else (True, 0.0)


def _turned() -> None:
    """All controls on screen are read anew, so that of two quick turns none is lost."""
    now = st.session_state
    name = state.query().get("train.variant", Recipe().specimen.variant)
    query: dict[str, str | None] = {"train.data": _unless_default("data", now["train.data"])}
    if name in VARIANTS and any(key.startswith("train.knob.") for key in map(str, now)):
        query["train.knobs"] = controls.turned_knobs("train", name).to_query().get("knobs")
    query |= {
        f"train.{field}": _unless_default(field, now[f"train.{field}"])
        for field in _ALL
        if f"train.{field}" in now
    }
    state.write(**query)


def _chosen() -> None:
    """Another network: as published, for pictures of its size."""
    _turned()
    row = VARIANTS[st.session_state["train.variant"]]
    specimen = recipes.to_query(Recipe(specimen=Specimen(row.name), size=row.input_size))
    state.write(**dict.fromkeys(("train.variant", "train.knobs", "train.size")) | specimen)


def _published() -> None:
    state.write(**{"train.knobs": None})


def _unless_default(name: str, value: object) -> str | None:
    word = recipes.text(value)
    return None if value is None or word == recipes.text(getattr(Recipe(), name)) else word.strip()[:100]


def _uploaded() -> None:
    file = st.session_state["train.upload"]
    st.session_state["train.refused"] = ""
    if file is None:
        return
    try:
        show(checked(file.getvalue()))
    except ValueError as error:
        st.session_state["train.refused"] = str(error)


def checked(content: bytes) -> Recipe:
    """The recipe in an uploaded file; ValueError with a sentence for anything else."""
    if len(content) > _LONGEST:
        raise ValueError(f"This is no recipe: it is longer than {_LONGEST:,} bytes.")
    try:
        return Recipe.from_json(content.decode())
    except UnicodeDecodeError:
        raise ValueError("This is no recipe: it is not text.") from None


def _grid(count: int, widths: Sequence[int]) -> list[DeltaGenerator]:
    """Places for `count` elements, row by row, for the keyboard's sake."""
    return [place for _ in range(0, count, len(widths)) for place in st.columns(widths)][:count]


@cache
def _networks() -> Mapping[str, str]:
    """The variants for small pictures: each family's classroom variant first, the oldest first."""
    small = [row for row in VARIANTS.values() if row.input_size <= recipes.SMALL]
    small.sort(key=lambda row: not row.name.endswith("_classroom"))
    return {
        row.name: f"{family_of(row.name).title if row.name.endswith('_classroom') else row.title}, "
        f"{row.year or family_of(row.name).year}"
        for row in small
    }


def _titled(name: str) -> str:
    return _networks().get(name) or VARIANTS[name].title
