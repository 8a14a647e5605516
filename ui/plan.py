"""What a recipe would do: the network and its cost, the pictures, the steps, and what stands in the way."""

from dataclasses import dataclass, replace

import streamlit as st

from training import data
from training.data import Dataset
from training.recipe import Recipe
from training.schedule import steps_in_epoch
from ui import cached, export, prose, recipe_form, recipes
from ui.recipes import Draft
from viz.figures import schedule as figures
from viz.figures.style import count
from zoo import VARIANTS
from zoo.anatomy import Anatomy

_POINTS = 5_000  # steps up to which the schedule is followed step by step
_CHANGE = ("activation", "norm", "dropout", "stochastic_depth")  # fields that change the network


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A draft, checked against its network and its data. It can be trained where nothing is wrong."""

    draft: Draft
    dataset: Dataset | None  # None: there is none of that name
    network: Anatomy | None  # None: it cannot exist
    ready: bool  # whether the pictures are on this machine

    @property
    def recipe(self) -> Recipe:
        return self.draft.recipe

    @property
    def possible(self) -> bool:
        return self.ready and not self.draft.problems

    @property
    def images(self) -> int:
        """Training pictures; the data set may have fewer than were asked for."""
        most = self.dataset.images if self.dataset else 1
        return min(self.recipe.images or most, most)

    @property
    def steps(self) -> int:
        """In one epoch."""
        return steps_in_epoch(self.images, self.recipe.batch, self.recipe.workers)

    @property
    def rates(self) -> tuple[float, ...]:
        """The schedule, evenly over all steps; of long runs not every step, which would take long to plan."""
        coarse = max(1, _POINTS // self.recipe.epochs)
        return cached.planned(self.recipe, min(self.steps, coarse))


def plan(draft: Draft) -> Plan:
    """Look up the data, build the network without numbers, and add to the draft what is wrong with them."""
    recipe, problems = draft.recipe, dict(draft.problems)
    dataset, network, ready = None, None, False
    try:
        dataset = data.dataset(recipe.data)
        ready = data.ready(recipe.data)
    except ValueError as error:
        problems["data"] = str(error)
    try:
        network = _built(recipe, dataset)
    except ValueError as error:
        problems.setdefault(_cause(recipe, dataset), str(error))
    return Plan(draft=replace(draft, problems=problems), dataset=dataset, network=network, ready=ready)


def summary(plan: Plan) -> None:
    """The recipe in a line."""
    recipe = plan.recipe
    costs = data = shared = ""
    if plan.network:
        costs = f" ({count(plan.network.params)} parameters, {count(plan.network.macs)} MACs a picture)"
    if plan.dataset:
        data = (
            f" learns {len(plan.dataset.classes)} classes from {plan.images:,} pictures of "
            f"**{prose.literal(plan.dataset.title)}**"
        )
    if recipe.workers > 1:
        shared = f" that {recipe.workers} workers share"
    st.markdown(
        f"**{VARIANTS[recipe.specimen.variant].title}**{costs}{data}, {recipe.size} × {recipe.size} px: "
        f"{recipe.epochs} {'epoch' if recipe.epochs == 1 else 'epochs'} of {plan.steps:,} "
        f"{'step' if plan.steps == 1 else 'steps'}{shared}, {recipes.said('optimiser', recipe.optimiser)} at "
        f"{recipes.text(round(recipe.peak, 10))}, {recipes.said('schedule', recipe.schedule)}."
    )


def curve(plan: Plan) -> None:
    """The learning rate over the run."""
    words = prose.words("train")
    st.plotly_chart(
        cached.figure(
            ("planned", plan.recipe, plan.steps), lambda: figures.planned(plan.rates, plan.recipe.epochs)
        ),
        key="train.planned",
        config=export.picture("learning-rate"),
    )
    st.caption(words["planned plateau" if plan.recipe.schedule == "plateau" else "planned"])


def ways(plan: Plan) -> None:
    """To the network and the pictures."""
    with st.container(horizontal=True, gap="medium"):
        st.page_link(
            "pages/inspect.py", label="Inspect the network", icon=":material/account_tree:",
            query_params=plan.recipe.specimen.to_query(),
        )  # fmt: skip
        if plan.dataset:
            st.page_link(
                "pages/data.py", label="See the pictures", icon=":material/photo_library:",
                query_params={"data.set": plan.dataset.key},
            )  # fmt: skip


def obstacles(plan: Plan) -> None:
    """What keeps the run from starting, with a way on for each."""
    for name, sentence in plan.draft.problems.items():
        st.error(prose.literal(f"{recipe_form.label(name)}: {sentence}"), icon=":material/block:")
    if plan.draft.problems:
        st.button(
            "Leave out what cannot be", icon=":material/undo:", key="train.mend",
            on_click=recipe_form.show, args=(_mended(plan),),
        )  # fmt: skip
    elif plan.dataset and not plan.ready:
        st.info(f"{plan.dataset.title} is not on this machine yet.", icon=":material/cloud_download:")
        st.page_link(
            "pages/data.py", label="Fetch it on the page Data", icon=":material/photo_library:",
            query_params={"data.set": plan.recipe.data},
        )  # fmt: skip


def _built(recipe: Recipe, dataset: Dataset | None) -> Anatomy:
    """The network as the recipe changes it. ValueError with a sentence where it cannot exist."""
    specimen = replace(recipe.specimen, num_classes=len(dataset.classes) if dataset else None)
    return cached.changed(specimen, recipe.size, *(getattr(recipe, name) for name in _CHANGE))


def _cause(recipe: Recipe, dataset: Dataset | None) -> str:
    """The field without which the network could be built."""
    for name in (*_CHANGE, "size"):
        mended = recipes.without(recipe, name)
        if mended != recipe:
            try:
                _built(mended, dataset)
            except ValueError:
                continue
            return name
    return "specimen"


def _mended(plan: Plan) -> Recipe:
    """The nearest recipe that can be trained."""
    recipe = plan.recipe
    for name in plan.draft.problems:
        recipe = recipes.without(recipe, name)
    return recipe
