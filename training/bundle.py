"""The source of some functions and classes with all they need, as one text that stands alone.

Only what is used is taken, definition by definition, as it was written. What came from another module of the
project stands before its first use; what came from outside stays an import.
"""

import ast
import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module

_OURS = ("zoo", "training")
_OUTSIDE = ("numpy", "safetensors", "torch", "torchvision")  # what does not come with Python

Name = tuple[str, str]  # a module, and what something is called there


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Definitions that stand alone below their imports."""

    imports: tuple[Name, ...]  # what is imported from where; ("numpy as np", "") is a module
    source: str
    names: Mapping[Name, str]  # what each definition is called in the text


@dataclass(frozen=True, kw_only=True, eq=False)
class _Definition:
    node: ast.stmt
    first: int  # line on which its text begins, comments above included


@dataclass(frozen=True, kw_only=True, eq=False)
class _Module:
    lines: tuple[str, ...]
    definitions: Mapping[str, _Definition]
    imported: Mapping[str, Name]  # by the local name


def bundle(roots: Iterable[Name], taken: Collection[str] = ()) -> Bundle:
    """All that these definitions need, in an order in which it runs; `taken` are names to keep clear of."""
    pending, needed, imports = list(roots), set[Name](), set[Name]()
    while pending:
        name = _home(pending.pop())
        if name in needed:
            continue
        needed.add(name)
        for _, used in _uses(name):
            if _is_ours(used):
                pending.append(used)
            else:
                imports.add(used)
    modules: list[str] = []
    for module in sorted({module for module, _ in needed}):
        _arrange(module, modules)
    order = sorted(needed, key=lambda name: (modules.index(name[0]), _definition(name).first))
    names = _called(order, {*taken, *map(_local, imports)})
    return Bundle(imports=tuple(sorted(imports)), source=_joined(order, names), names=names)


def import_lines(imports: Collection[Name]) -> list[str]:
    """As they stand at the top of a file: the standard library first, one line a module."""
    wholes = {f"import {module}" for module, name in imports if not name}
    parts: dict[str, list[str]] = {}
    for module, name in sorted(imports, key=_rank):
        if name:
            parts.setdefault(module, []).append(name)
    lines = sorted(wholes) + [f"from {module} import {', '.join(names)}" for module, names in parts.items()]
    groups: tuple[list[str], list[str]] = ([], [])
    for line in lines:
        groups[line.split()[1].partition(".")[0] in _OUTSIDE].append(line)
    return [*groups[0], "", *groups[1]] if groups[0] else groups[1]


def _rank(name: Name) -> tuple[str, int, str]:
    """The order of imported names that ruff wants: by module, then constants, classes and functions."""
    module, own = name
    return module, 0 if own.isupper() and len(own) > 1 else 1 if own[:1].isupper() else 2, own


def _is_ours(name: Name) -> bool:
    return name[0].partition(".")[0] in _OURS


def _local(name: Name) -> str:
    """What an import is called where it is used."""
    return (name[1] or name[0]).rpartition(" ")[2]


@cache
def _module(name: str) -> _Module:
    source = inspect.getsource(import_module(name))
    lines = tuple(source.splitlines())
    definitions: dict[str, _Definition] = {}
    imported: dict[str, Name] = {}
    for node in ast.parse(source).body:
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                found = [node.name]
            case ast.Assign(targets=targets):
                found = [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=own)):
                found = [own]
            case ast.Import(names=aliases):
                for alias in aliases:
                    spelled = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
                    imported[alias.asname or alias.name] = (spelled, "")
                continue
            case ast.ImportFrom(module=str(module), names=aliases):
                for alias in aliases:
                    spelled = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
                    imported[alias.asname or alias.name] = (module, spelled)
                continue
            case _:
                continue
        for own in found:
            definitions[own] = _Definition(node=node, first=_first(node, lines))
    return _Module(lines=lines, definitions=definitions, imported=imported)


def _first(node: ast.stmt, lines: tuple[str, ...]) -> int:
    """The line, from 1, on which a definition begins with its decorators and the comments above it."""
    decorators = getattr(node, "decorator_list", [])
    line = min([node.lineno, *(each.lineno for each in decorators)])
    while line > 1 and lines[line - 2].startswith("#"):
        line -= 1
    return line


def _definition(name: Name) -> _Definition:
    return _module(name[0]).definitions[name[1]]


def _home(name: Name) -> Name:
    """Where something is defined that may have been imported from there."""
    module, own = name
    here = _module(module)
    if own in here.definitions:
        return name
    source, original = here.imported[own]
    return _home((source, original.partition(" ")[0]))


def _uses(name: Name) -> Iterator[tuple[ast.expr, Name]]:
    """The places where a definition uses another, or something imported."""
    here = _module(name[0])
    visitor = _Free()
    visitor.visit(_definition(name).node)
    attributes = {id(each.value): each for each in visitor.attributes}
    for node in visitor.names:
        if node.id in here.definitions:
            if node.id != name[1]:
                yield node, (name[0], node.id)
        elif node.id in here.imported:
            source, original = here.imported[node.id]
            inside = f"{source}.{original}"
            attribute = attributes.get(id(node))
            if not _is_ours((source, "")):
                yield node, (source, original)
            elif attribute and inspect.ismodule(getattr(import_module(source), original, None)):
                yield attribute, _home((inside, attribute.attr))
            else:
                yield node, _home((source, original.partition(" ")[0]))


class _Free(ast.NodeVisitor):
    """The names in a definition that are neither arguments nor assigned inside a function."""

    def __init__(self) -> None:
        self.names: list[ast.Name] = []
        self.attributes: list[ast.Attribute] = []
        self._bound: list[set[str]] = []

    @contextmanager
    def _inside(self, *parts: ast.AST) -> Iterator[None]:
        nodes = [node for part in parts for node in ast.walk(part)]
        bound = {node.arg for node in nodes if isinstance(node, ast.arg)}
        bound |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        bound |= {n.name for n in nodes if isinstance(n, ast.FunctionDef)}
        self._bound.append(bound)
        yield
        self._bound.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outside = [*node.decorator_list, *node.args.defaults, *node.args.kw_defaults, node.returns]
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        outside += [each.annotation for each in (*arguments, node.args.vararg, node.args.kwarg) if each]
        for part in filter(None, outside):
            self.visit(part)
        with self._inside(node.args, *node.body):
            for statement in node.body:
                self.visit(statement)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        with self._inside(node.args):
            self.generic_visit(node)

    def _comprehend(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        with self._inside(*(each.target for each in node.generators)):
            self.generic_visit(node)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehend

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.attributes.append(node)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and not any(node.id in bound for bound in self._bound):
            self.names.append(node)


def _arrange(module: str, order: list[str]) -> None:
    """Put a module behind those of ours that it imports."""
    if module in order:
        return
    for source, original in _module(module).imported.values():
        if _is_ours((source, "")):
            found = getattr(import_module(source), original.partition(" ")[0], None)
            inside = found.__name__ if inspect.ismodule(found) else source
            if inside != module:
                _arrange(inside, order)
    if module not in order:
        order.append(module)


def _called(order: Iterable[Name], taken: set[str]) -> dict[Name, str]:
    """What each definition is called: as it was, or with its module before it where that is taken."""
    names: dict[Name, str] = {}
    for module, own in order:
        name = own if own not in taken else f"{module.rpartition('.')[2]}_{own}"
        names[module, own] = name
        taken.add(name)
    return names


def _joined(order: Iterable[Name], names: Mapping[Name, str]) -> str:
    """The texts one after another: constants close together, all else two lines apart."""
    text, last = "", None
    for name in order:
        node = _definition(name).node
        if node is last:  # one statement that defines several names
            continue
        close = isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(last, ast.Assign | ast.AnnAssign)
        text += ("\n" if close else "\n\n\n" if text else "") + _text(name, names)
        last = node
    return text


def _text(name: Name, names: Mapping[Name, str]) -> str:
    """A definition as it was written, but for the names of others that have changed."""
    here, definition = _module(name[0]), _definition(name)
    changes: list[tuple[int, int, int, str]] = []  # line, from and to in bytes, new text
    for node, used in _uses(name):
        if _is_ours(used) and node.end_col_offset is not None:
            changes.append((node.lineno, node.col_offset, node.end_col_offset, names[_home(used)]))
    for own in ast.walk(definition.node):  # where it is assigned or speaks of itself
        if isinstance(own, ast.Name) and own.id == name[1] and own.end_col_offset is not None:
            changes.append((own.lineno, own.col_offset, own.end_col_offset, names[name]))
    lines = [line.encode() for line in here.lines]
    for line, start, end, new in sorted(changes, reverse=True):
        old = lines[line - 1]
        lines[line - 1] = old[:start] + new.encode() + old[end:]
    if isinstance(definition.node, ast.FunctionDef | ast.ClassDef):
        head = lines[definition.node.lineno - 1].decode()
        lines[definition.node.lineno - 1] = head.replace(f" {name[1]}", f" {names[name]}", 1).encode()
    end_line = definition.node.end_lineno or definition.node.lineno
    return b"\n".join(lines[definition.first - 1 : end_line]).decode()
