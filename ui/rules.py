"""The rules for rectifiers by the names that pages call them, and the control that chooses one."""

from collections.abc import Mapping
from types import MappingProxyType

from ui import bound
from viz.hooks import Rule

TITLES: Mapping[Rule, str] = MappingProxyType(
    {"deconvnet": "Deconvnet", "guided": "Guided backpropagation", "gradient": "Gradient"}
)


def choose(key: str, help: str) -> Rule:
    """The rule that the address names under `key`, with a control to choose another."""
    titles = {str(rule): title for rule, title in TITLES.items()}
    chosen = bound.segments("Rule for the rectifiers", key, titles, help=help)
    return next(rule for rule in TITLES if rule == chosen)
