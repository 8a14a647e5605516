"""Source code on the page: the code that is shown is the code that runs."""

import ast
import inspect
import textwrap
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st
from torch import nn

from zoo.anatomy import Layer

_ROOT = Path(__file__).parents[1]

# What an operation without a module of its own looks like in code: operators, and names of functions called.
_OPERATORS: Mapping[str, tuple[type[ast.operator], ...]] = {
    "Add": (ast.Add,),
    "Subtract": (ast.Sub,),
    "Multiply": (ast.Mult,),
    "Divide": (ast.Div,),
    "Matrix": (ast.MatMult,),
}
_CALLS: Mapping[str, tuple[str, ...]] = {
    "Add": ("add",),
    "Multiply": ("mul",),
    "Matrix": ("matmul", "bmm", "einsum"),
    "Concatenate": ("cat", "concat", "concatenate"),
    "Reshape": ("reshape", "view", "unflatten", "reshape_as"),
    "Split": ("split", "chunk", "unbind", "tensor_split"),
    "Transpose": ("transpose", "swapaxes"),
    "Unit": ("normalize",),
}


@dataclass(frozen=True)
class Excerpt:
    """A class or function as it stands in its file."""

    name: str
    file: str  # from the root of the project
    first: int  # number of its first line
    source: str

    def line(self, number: int) -> str:
        return self.source.splitlines()[number - self.first].strip()


def excerpt(thing: type | Callable[..., object]) -> Excerpt:
    """The source of a class or function of this project."""
    with _parsing:
        return _excerpt(thing)


@cache  # Python parses the whole file to find a class
def _excerpt(thing: type | Callable[..., object]) -> Excerpt:
    lines, first = inspect.getsourcelines(thing)
    file = Path(inspect.getfile(thing)).resolve().relative_to(_ROOT).as_posix()
    return Excerpt(thing.__name__, file, first, textwrap.dedent("".join(lines)).rstrip())


# Python 3.11 miscounts where two threads parse at once: "AST constructor recursion depth mismatch".
_parsing = threading.Lock()


def show(shown: Excerpt) -> None:
    last = shown.first + shown.source.count("\n")
    st.caption(f"{shown.name} in {shown.file}, lines {shown.first} to {last}")
    st.code(shown.source, wrap_lines=True)  # what scrolls sideways is out of the keyboard's reach


def running(layer: Layer, classes: Mapping[str, type[nn.Module]]) -> tuple[Excerpt, list[int]]:
    """The class of this project inside which a layer runs, and the numbers of the lines that run it.

    `classes` holds the class of every module by its path. No line where the code does not name the layer,
    as in a loop over blocks.
    """
    path = layer.path
    while not classes[path].__module__.startswith("zoo."):
        path = path.rpartition(".")[0]
    owner, inside = classes[path], layer.path[len(path) + 1 :] if path else layer.path
    defining = next(cls for cls in owner.__mro__ if "forward" in vars(cls))
    found = excerpt(defining if defining.__module__.startswith("zoo.") else owner)
    name = inside.partition(".")[0]
    hits = {n.lineno for n in _syntax(found) if (_names(n, name) if name else _does(n, layer.label))}
    return found, sorted(found.first + number - 1 for number in hits)


@cache
def _syntax(shown: Excerpt) -> tuple[ast.expr | ast.stmt | ast.keyword, ...]:
    """The syntax of all methods but the constructor; of the constructor where there is nothing else."""
    with _parsing:
        (owner,) = ast.parse(shown.source).body
    methods = [n for n in ast.iter_child_nodes(owner) if isinstance(n, ast.FunctionDef)]
    telling = [m for m in methods if m.name != "__init__"] or methods
    nodes = (node for method in telling for node in ast.walk(method))
    return tuple(n for n in nodes if isinstance(n, ast.expr | ast.stmt | ast.keyword))


def _names(node: ast.AST, part: str) -> bool:
    """Whether a piece of syntax speaks of the module called `part`: `self.part`, `part=` or "part"."""
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return name == part
        case ast.keyword(arg=name) | ast.Constant(value=name):
            return name == part
    return False


def _does(node: ast.AST, label: str) -> bool:
    """Whether a piece of syntax is the operation called `label`."""
    operation = label.split()[0]
    if isinstance(node, ast.BinOp | ast.AugAssign):
        return isinstance(node.op, _OPERATORS.get(operation, ()))
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return called in _CALLS.get(operation, (operation.lower(),))
    return isinstance(node, ast.Subscript) and operation == "Slice"
