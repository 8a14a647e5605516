"""Every family found under zoo/families, and the one way from a name to a network."""

import difflib
import inspect
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from zoo import families
from zoo.family import Family, Knob, Variant

KnobValue: TypeAlias = int | float | str | bool

_found = [import_module(m.name).FAMILY for m in iter_modules(families.__path__, "zoo.families.")]
FAMILIES: Mapping[str, Family] = MappingProxyType(
    {f.key: f for f in sorted(_found, key=lambda f: (f.year, f.key))}
)
VARIANTS: Mapping[str, Variant] = MappingProxyType({v.name: v for f in FAMILIES.values() for v in f.variants})
_FAMILY_OF: Mapping[str, Family] = {v.name: f for f in FAMILIES.values() for v in f.variants}

_seeding = threading.Lock()  # torch's default generator belongs to the process, not to the thread
_FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.full, torch.tensor, torch.arange, torch.linspace}


def nearest(word: str, known: Iterable[str]) -> str:
    """The sentence that ends an error about an unknown word: the closest known ones, or the first few."""
    known = list(known)
    close = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Known are {', '.join(known[:6])}{' and others' if len(known) > 6 else ''}."


def variant(name: str) -> Variant:
    """The variant called `name`; ValueError with the nearest name where there is none."""
    if name not in VARIANTS:
        raise ValueError(f"There is no variant called {name!r}. {nearest(name, VARIANTS)}")
    return VARIANTS[name]


def family_of(name: str) -> Family:
    """The family that the variant called `name` belongs to."""
    return _FAMILY_OF[variant(name).name]


@cache  # every specimen asks
def knobs(name: str) -> Mapping[str, tuple[Knob, KnobValue]]:
    """What a reader may turn on this variant, each knob with the value the variant has.

    Arguments that are tuples come element by element (`depths.0`). A value between two choices is made a
    choice.
    """
    family, config = family_of(name), variant(name).config
    parameters = inspect.signature(family.model).parameters
    found: dict[str, tuple[Knob, KnobValue]] = {}
    for knob in family.knobs:
        if knob.only_with and config.get(knob.only_with[0]) != knob.only_with[1]:
            continue
        value = config.get(knob.name, parameters[knob.name].default)
        parts = (
            {f"{knob.name}.{i}": v for i, v in enumerate(value)}
            if isinstance(value, tuple)
            else {knob.name: value}
        )
        for key, default in parts.items():
            choices = knob.choices
            if default not in choices:
                choices = (*choices, default)
                if not any(isinstance(c, str | bool) for c in choices):
                    choices = tuple(sorted(choices))
            found[key] = (replace(knob, name=key, choices=choices), default)
    return MappingProxyType(found)


def check_knobs(name: str, turned: Mapping[str, KnobValue]) -> None:
    """ValueError, saying what is possible, for a knob the variant does not have or a value off its scale."""
    title, allowed = variant(name).title, knobs(name)
    for key, value in turned.items():
        if key not in allowed:
            raise ValueError(f"{title} has no knob called {key!r}. {nearest(key, allowed)}")
        if value not in allowed[key][0].choices:
            choices = ", ".join(map(str, allowed[key][0].choices))
            raise ValueError(f"{key} of {title} cannot be {value!r}; it can be {choices}.")


def build(
    name: str,
    *,
    num_classes: int | None = None,
    input_size: int | None = None,
    seed: int = 0,
    **turned: KnobValue,
) -> nn.Module:
    """The network of a variant in evaluation mode; same name, same seed, same knobs: same weights.

    `input_size` matters only to networks whose weights depend on it (position embeddings, a flattened map
    before the first linear layer). `turned` are knobs as named by `knobs(name)`, a dot written as it stands
    (`**{"depths.2": 4}`). Under `torch.device("meta")` nothing is drawn. Raises ValueError for unknown names
    and for values the architecture cannot have.
    """
    if torch.get_default_device().type == "meta":
        return skeleton(name, num_classes=num_classes, input_size=input_size, **turned)
    with _seeding, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _construct(name, num_classes, input_size, turned)


def skeleton(
    name: str, *, num_classes: int | None = None, input_size: int | None = None, **turned: KnobValue
) -> nn.Module:
    """The network without its numbers: parameters on the meta device, nothing drawn. No memory, and quick."""
    with WithoutNumbers():
        return _construct(name, num_classes, input_size, turned)


def _construct(
    name: str, num_classes: int | None, input_size: int | None, turned: Mapping[str, KnobValue]
) -> nn.Module:
    return family_of(name).model(**arguments_of(name, num_classes, input_size, turned)).eval()


def arguments_of(
    name: str, num_classes: int | None, input_size: int | None, turned: Mapping[str, KnobValue]
) -> dict[str, Any]:
    """What `Family.model` is called with to make this network; ValueError as for `build`."""
    row, family = variant(name), family_of(name)
    arguments: dict[str, Any] = dict(row.config)
    arguments["num_classes"] = row.num_classes if num_classes is None else num_classes
    if arguments["num_classes"] < 1:
        raise ValueError(f"A classifier needs at least one class, not {arguments['num_classes']}.")
    parameters = inspect.signature(family.model).parameters
    if "input_size" in parameters:
        arguments["input_size"] = row.input_size if input_size is None else input_size
    check_knobs(name, turned)
    for key, value in turned.items():
        argument, _, index = key.partition(".")
        if index:
            whole = list(arguments.get(argument, parameters[argument].default))
            whole[int(index)] = value
            arguments[argument] = tuple(whole)
        else:
            arguments[argument] = value
    return arguments


class WithoutNumbers(TorchFunctionMode):
    """Tensors are made on meta and in-place fills (all of torch.nn.init) do nothing, in this thread only.

    `makers` are the functions whose tensors that concerns; none named: all of them.
    """

    def __init__(self, *makers: Callable[..., Tensor]) -> None:
        super().__init__()
        self._makers = set(makers) or _FACTORIES

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        kwargs = kwargs or {}
        if func in self._makers:
            return func(*args, **(kwargs | {"device": "meta"}))
        if (
            func.__name__.endswith("_")
            and not func.__name__.startswith("_")
            and func.__name__ != "requires_grad_"
        ):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)
