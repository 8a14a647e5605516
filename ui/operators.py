"""The section of Building blocks in which one steps through an operator: picker, controls, stepper, cost."""

from itertools import groupby

import streamlit as st

from ui import bound, cached, code, export, prose, state
from ui.catalogue import representative
from ui.components.stepper import stepper
from viz.operators import OPERATORS, Choice, Operator, Turn, Walk
from zoo import FAMILIES

_KEY = "operators.walk"
_LEAST = 3  # columns for controls, so that one alone is not as wide as the page
_PARAMETER = "step"  # of the address: "conv.17", the operator and the number of its step from 1


def render() -> None:
    operator = OPERATORS[_pick()]
    st.markdown(f"**{operator.title}.** {operator.idea}")
    _walk(operator)
    words = prose.words("operators")
    photo, how = st.columns([1, 7], vertical_alignment="center")
    photo.image(cached.photo(), width=104, alt="A cat's face; a frame around its left eye")
    how.caption(words["how"])
    st.header("What it is for")
    st.markdown(words[operator.key])
    _families(operator)
    with st.expander("Its code in the zoo", key="operators.code"):
        code.show(code.excerpt(operator.code))


def _pick() -> str:
    """The key of the operator: a group, and one of those in it."""
    groups = {name: list(found) for name, found in groupby(OPERATORS.values(), key=lambda o: o.group)}
    left, right = st.columns([3, 2], gap="medium")
    with left:
        group = bound.segments("Kind", "operators.kind", {name: name for name in groups})
    with right:
        titles = {o.key: o.title for o in groups[group]}
        return bound.picker("Operator", f"operators.{group.split()[0].lower()}", titles)


@st.fragment
def _walk(operator: Operator) -> None:
    """All that changes with the controls of one operator."""
    turned = _controls(operator)
    try:
        walk = cached.walk(operator.key, turned)
    except ValueError as error:
        st.error(prose.literal(str(error)), icon=":material/block:")
        return
    stepper(
        walk.data,
        key=_KEY,
        subject=operator.key,
        rev=f"{operator.key} {turned}",
        step=_step(operator, len(walk.steps)),
        on_step=lambda: _stepped(operator),
    )
    st.markdown(walk.remark)
    _costs(operator, walk)


def _controls(operator: Operator) -> tuple[tuple[str, Choice], ...]:
    """What the reader has turned, beside each other where there is room."""
    turned: list[tuple[str, Choice]] = []
    columns = st.columns(max(_LEAST, len(operator.turns)), gap="medium")
    for column, turn in zip(columns, operator.turns, strict=False):
        with column:
            turned.append((turn.name, _control(f"operators.{operator.key}.{turn.name}", turn)))
    return tuple(turned)


def _control(key: str, turn: Turn) -> Choice:
    """A switch, a list for words, a slider for numbers."""
    if isinstance(turn.default, bool):
        return bound.switch(turn.title, key, default=turn.default, help=turn.meaning)
    if turn.words or isinstance(turn.default, str):
        names = map(str, turn.choices)
        words = dict(zip(names, turn.words or map(str, turn.choices), strict=True))
        chosen = bound.picker(turn.title, key, words, help=turn.meaning)
        return next(choice for choice in turn.choices if str(choice) == chosen)
    steps = [float(choice) for choice in turn.choices]
    return bound.slider(turn.title, key, steps, float(turn.default), words=_plain, help=turn.meaning)


def _plain(number: float) -> str:
    """3, 0.5, 0.0001"""
    return f"{number:.10f}".rstrip("0").rstrip(".")


def _costs(operator: Operator, walk: Walk) -> None:
    """Parameters and MACs of the operator and of what it replaces, with the products they come from."""
    rows = ["| What it costs here | Parameters | MACs |", "|:---|:---|:---|"]
    for cost in walk.costs:
        rows.append(f"| **{cost.name}** | **{cost.params:,}** | **{cost.macs:,}** |")
        rows += [f"| {' | '.join(layer)} |" for layer in cost.layers]
    st.markdown("\n".join(rows))
    st.download_button(
        "The steps as CSV",
        lambda: export.as_csv(steps_table(walk)),
        f"zoolens-{operator.key}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="operators.csv",
    )


def steps_table(walk: Walk) -> list[dict[str, object]]:
    """A row for each step: what it computes, in words, and the numbers it writes in full."""
    return [
        {
            "step": number,
            "stage": step.stage,
            "writes": walk.panels[step.panel].title,
            "arithmetic": step.words,
            "result": " ".join(map(str, step.result)),
        }
        for number, step in enumerate(walk.steps, start=1)
    ]


def _families(operator: Operator) -> None:
    links = (
        f"[{FAMILIES[key].title}]({state.address('inspect', variant=representative(FAMILIES[key]).name)})"
        for key in operator.families
    )
    st.markdown(f"Among those that use it: {', '.join(links)}.")


def _step(operator: Operator, steps: int) -> int:
    """The step, from 0, that the address names for this operator. Warns of what is no step at all.

    It may still name a step of another operator, or one that was there before a control was turned.
    """
    asked = state.query().get(_PARAMETER, "")
    subject, _, number = asked.partition(".")
    if asked and not (subject in OPERATORS and number.isascii() and number.isdigit() and len(number) < 6):
        ends = f"from {operator.key}.1 to {operator.key}.{steps}"
        sentence = f"There is no step {asked[:40]!r}. Here they go {ends}."
        st.warning(prose.literal(sentence), icon=":material/link_off:")
    elif asked and subject == operator.key:
        return min(max(int(number) - 1, 0), steps - 1)
    return 0


def _stepped(operator: Operator) -> None:
    step = st.session_state[_KEY]["step"]
    st.query_params[_PARAMETER] = f"{operator.key}.{step + 1}"  # alone: the others belong to their controls
