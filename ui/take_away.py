"""What can be done with a run: use its recipe, go on from one of its epochs, save all of it, delete it."""

import streamlit as st

from training.curves import as_csv
from training.export import script
from training.pool import Pool
from training.recipe import Recipe
from training.replay import RECORDINGS
from training.runs import Meta, Runs
from ui import browser, player, prose, recipe_form, recipes, rights, state, take_over


def actions(pool: Pool, id: str, status: str, recipe: Recipe, meta: Meta) -> None:
    """Everything below the pictures of a run."""
    st.header("This run")
    _about(recipe, meta)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Use this recipe", icon=":material/replay:", key="train.again", on_click=recipe_form.show,
            args=(recipe,), help="Fills the controls of a new run; this one stays as it is.",
        )  # fmt: skip
        with st.popover("Take over", icon=":material/call_split:", key="train.fork"):
            _take_over(pool, id, recipe)
        with st.popover("Save", icon=":material/download:", key="train.save"):
            _save(pool.runs, id, recipe)
        with st.popover("Delete", icon=":material/delete:", key="train.delete"):
            _delete(pool.runs, id, status)


def _about(recipe: Recipe, meta: Meta) -> None:
    """The recipe in a line, and where the run comes from."""
    listed = [
        f"{recipe_form.label(name).lower()} {value}" for name, value in recipes.differences(recipe).items()
    ]
    sentence = f"Not at its default: {', '.join(listed)}." if listed else "All at its default."
    st.markdown(f"**{prose.literal(meta.title)}.** {prose.literal(sentence)}")
    with st.container(horizontal=True, gap="medium"):
        st.page_link(
            "pages/inspect.py", label="Inspect the network", icon=":material/account_tree:",
            query_params=recipe.specimen.to_query(),
        )  # fmt: skip
        _origin(meta)


def _origin(meta: Meta) -> None:
    """A way to the run that this one was taken over from."""
    origin, _, epoch = (meta.parent or "").partition("@")
    if origin and (RECORDINGS.root / origin).is_dir():
        st.page_link(
            "pages/replay.py", label=f"Taken over from epoch {epoch} of a recording",
            icon=":material/call_split:", query_params={state.RECORDING: origin},
        )  # fmt: skip
    elif origin:
        st.page_link(
            "pages/train.py", label=f"Taken over from epoch {epoch} of an earlier run",
            icon=":material/call_split:", query_params={state.RUN: origin},
        )  # fmt: skip


def _take_over(pool: Pool, id: str, recipe: Recipe) -> None:
    st.markdown(prose.words("train")["take over"])
    epochs = [int(name) for name in pool.runs.checkpoints(id) if name.isdigit()]
    if not epochs:
        st.caption("There is no checkpoint yet: the first one comes before the first step.")
        return
    keys = {name: f"train.fork.{name}" for name in ("epoch", "epochs", "rate")}
    st.selectbox(
        "From epoch", epochs, len(epochs) - 1, key=keys["epoch"],
        help="Checkpoints are kept at epochs 0, 1, 2, 5, 10, 20, 50, … and the last.",
    )  # fmt: skip
    take_over.fields(recipe, max(recipe.epochs, epochs[-1] + take_over.MORE), keys)

    def begin() -> None:
        begun = pool.fork(
            id, st.session_state[keys["epoch"]], take_over.changes(recipe, keys), owner=browser.secret()
        )
        state.replace(**{state.RUN: begun})

    st.button(
        "Take over", type="primary", icon=":material/call_split:", key="train.fork.go",
        on_click=player.attempt, args=(begin,),
    )  # fmt: skip


def _save(runs: Runs, id: str, recipe: Recipe) -> None:
    """Files, each made when it is asked for."""
    words = prose.words("train")
    st.download_button(
        "Curves (CSV)", lambda: as_csv(runs.events(id)[0]),
        f"zoolens-{id}.csv", "text/csv", key="train.save.curves", icon=":material/table:", on_click="ignore",
        width="stretch", help="A row for every step, epoch, evaluation and change of the rate.",
    )  # fmt: skip
    st.download_button(
        "Recipe (JSON)", recipe.to_json, f"zoolens-{id}.json", "application/json",
        key="train.save.recipe", icon=":material/receipt_long:", on_click="ignore", width="stretch",
        help="“From a file” beside a new run's controls reads it again.",
    )  # fmt: skip
    st.download_button(
        "Script (PyTorch)", lambda: script(recipe), f"zoolens-{id}.py", "text/x-python",
        key="train.save.script", icon=":material/code:", on_click="ignore", width="stretch",
        help=words["script"],
    )  # fmt: skip
    names = [name for name in runs.checkpoints(id) if name != "last"]
    if not names:
        return
    name = st.selectbox(
        "Weights", names, len(names) - 1, key="train.save.of", help=words["checkpoint"],
        format_func=lambda name: "of the best epoch" if name == "best" else f"after epoch {int(name)}",
    )  # fmt: skip
    st.download_button(
        "Weights (safetensors)", lambda: runs.checkpoint(id, name).read_bytes(),
        f"zoolens-{id}-{name}.safetensors", "application/octet-stream",
        key="train.save.weights", icon=":material/save:", on_click="ignore", width="stretch",
    )  # fmt: skip


def _delete(runs: Runs, id: str, status: str) -> None:
    st.markdown(prose.words("train")["delete"])
    locked = not rights.may(runs, id)
    if locked:
        st.caption(rights.why())
    elif player.alive(status):
        st.caption("This run is under way: stop it first.")

    def delete() -> None:
        rights.steer(runs, id, runs.delete)
        state.replace()

    st.button(
        "Delete for good", type="primary", icon=":material/delete:", key="train.delete.go",
        on_click=player.attempt, args=(delete,), disabled=locked or player.alive(status),
    )  # fmt: skip
