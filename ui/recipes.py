"""A recipe as it stands in an address, and as a reader may have put it there: half right.

Every field that is not at its default is a parameter `train.<field>`; the network is `train.variant` with
`train.knobs`. What cannot be does not stop the page: it keeps its place in the draft with a sentence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from types import NoneType
from typing import Any, get_args

import numpy as np

from training.recipe import ACCEPTED, Recipe
from zoo import Specimen

PREFIX = "train."
SMALL = 64  # pixels: networks for pictures up to this side train while one watches
_ON, _OFF, _NONE = "on", "off", "none"
_SHOWN = 40  # characters that are looked at of a text that says nothing
_NETWORK = ("variant", "knobs")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What an address says of a recipe."""

    texts: Mapping[str, str]  # of every field that is not at its default, as it stands in the address
    recipe: Recipe  # what of it is possible
    problems: Mapping[str, str]  # field -> why it is not in the recipe; "specimen" for the network


def to_query(recipe: Recipe) -> dict[str, str]:
    """Parameters of the address for all that is not at its default."""
    plain = Recipe()
    query = {
        f"{PREFIX}{name}": text(getattr(recipe, name))
        for name in _fields()
        if getattr(recipe, name) != getattr(plain, name)
    }
    if recipe.specimen == plain.specimen:
        return query
    return {f"{PREFIX}{name}": word for name, word in recipe.specimen.to_query().items()} | query


def read(query: Mapping[str, str]) -> Draft:
    """The recipe that an address names; other parameters are left to others."""
    problems: dict[str, str] = {}
    network = {name: query[PREFIX + name] for name in _NETWORK if PREFIX + name in query}
    texts = {name: query[PREFIX + name] for name in _fields() if PREFIX + name in query}
    recipe = Recipe()
    if network:
        try:
            recipe = Recipe(specimen=Specimen.from_query({"variant": recipe.specimen.variant} | network))
        except ValueError as error:
            problems["specimen"] = str(error)
    kept: dict[str, Any] = {"specimen": recipe.specimen}
    for name, word in texts.items():
        try:
            recipe = Recipe(**kept | {name: value(name, word)})
        except ValueError as error:
            problems[name] = str(error)
        else:
            kept[name] = getattr(recipe, name)
    return Draft(texts=texts, recipe=recipe, problems=problems)


def text(value: object) -> str:
    """The value of a field in an address."""
    if isinstance(value, bool):
        return _ON if value else _OFF
    if isinstance(value, float):
        return np.format_float_positional(value, trim="-")
    return _NONE if value is None else str(value)


def value(name: str, text: str) -> object:
    """What `text` says of a field; a text that says nothing stays one, for `Recipe` to refuse."""
    kinds = get_args(_fields()[name]) or (_fields()[name],)
    if bool in kinds:
        return {_ON: True, _OFF: False}.get(text, text[:_SHOWN])
    if NoneType in kinds and text == _NONE:
        return None
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                return text[:_SHOWN]
    return text[:_SHOWN]


def differences(recipe: Recipe, other: Recipe | None = None) -> dict[str, str]:
    """What of a recipe is not as in another, the default if none is named: field -> its value in words."""
    other = other or Recipe()
    return {
        name: said(name, getattr(recipe, name))
        for name in _fields()
        if getattr(recipe, name) != getattr(other, name)
    }


def said(name: str, value: object) -> str:
    """The value of a field in words."""
    if name in ACCEPTED:
        return ACCEPTED[name][str(value)]
    if value is None:
        return "all" if name == "images" else "as it is"
    if isinstance(value, int) and not isinstance(value, bool) and name != "seed":
        return f"{value:,}"
    return text(value)


def without(recipe: Recipe, name: str) -> Recipe:
    """The recipe with a field at its default."""
    return replace(recipe, **{name: getattr(Recipe(), name)})


@cache
def _fields() -> Mapping[str, Any]:
    """The fields but the network, with their types."""
    return {each.name: each.type for each in fields(Recipe) if each.name != "specimen"}
