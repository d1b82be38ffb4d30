"""Mutants of right answers: each differs from a right answer in a single place.

The right answers are the solutions, which call the library, and the plain answers in
tests/tutorials/answers.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from importlib import import_module
from pathlib import Path
from typing import Any

Function = Callable[..., Any]
OTHER_OPERATORS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.BitAnd: (ast.BitOr,),
}
OTHER_NAMES = {
    "sum": "mean",
    "mean": "sum",
    "max": "min",
    "min": "max",
    "argmax": "argmin",
    "any": "all",
    "all": "any",
    "maximum": "minimum",
    "minimum": "maximum",
    "zeros": "ones",
    "zeros_like": "ones_like",
    "floor": "ceil",
}
SIZES = ("shape", "size")  # with len, and numbers among the arguments


@dataclass(frozen=True)
class Mutant:
    """A wrong answer: what differs from the right one, in which line."""

    name: str
    change: str  # the lines before -> after
    function: Function


def mutants(module: str, name: str, arguments: tuple[Any, ...]) -> Iterator[Mutant]:
    """Return the mutants of one function of a module, with the arguments of a case."""
    file = import_module(module).__file__
    assert file is not None
    tree = ast.parse(Path(file).read_text())
    places = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
    parameters = [a.arg for a in places[0].args.args]
    pairs = zip(parameters, arguments, strict=True)
    numbers = [p for p, value in pairs if isinstance(value, int | float)]
    source = ast.unparse(places[0])
    for place in walk(places[0]):
        for other in changed(place, parameters, numbers):
            tree_of = replaced(tree, place, other)
            found = next(n for n in tree_of.body if getattr(n, "name", "") == name)
            if (after := ast.unparse(found)) == source:
                continue
            change = difference(source, after)
            yield Mutant(name, change, compiled(tree_of, module, name))


def difference(before: str, after: str) -> str:
    """Return the lines that differ, on both sides of an arrow."""
    pair = before.splitlines(), after.splitlines()
    lines = list(unified_diff(*pair, lineterm="", n=0))[3:]
    sides = [[line[1:].strip() for line in lines if line[0] == s] for s in "-+"]
    return " -> ".join("; ".join(side) for side in sides)


def walk(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Return the nodes of a function's body, without its docstring."""
    for statement in function.body[1:]:
        yield from ast.walk(statement)


def changed(
    node: ast.AST, parameters: list[str], numbers: list[str]
) -> Iterator[ast.AST | None]:
    """Return what may stand in a node's place; None if it may be left out."""
    match node:
        case ast.BinOp(left, operator, right):
            yield from others(node, "op", operator)
            yield from () if isinstance(operator, ast.MatMult) else (left, right)
        case ast.Compare(ops=[operator]):
            for other in OTHER_OPERATORS.get(type(operator), ()):
                yield with_field(node, "ops", [other()])
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() as value):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.Constant(float() as value):
            yield from (ast.Constant(value * 1.5), ast.Constant(value * 0.5))
        case ast.Tuple(elements, ast.Load()) if len(elements) > 1:
            for i in range(len(elements)):
                yield with_field(node, "elts", elements[:i] + elements[i + 1 :])
        case ast.Name(id, ast.Load()) if id in parameters:
            yield from (ast.Name(p, ast.Load()) for p in parameters if p != id)
            if id in numbers:
                yield first_value(node)
        case ast.Attribute(attr=attr):
            if attr in OTHER_NAMES:
                yield with_field(node, "attr", OTHER_NAMES[attr])
            if attr in SIZES:
                yield first_value(node)
            if attr == "T":
                yield node.value
        case ast.Call():
            yield from calls(node)
        case ast.AugAssign(op=operator):
            yield from others(node, "op", operator)
            yield ast.Assign([node.target], node.value, lineno=0)
            yield None
        case ast.Assign() | ast.Expr():
            yield None


def calls(node: ast.Call) -> Iterator[ast.AST]:
    """Return a call without one keyword, with two arguments swapped, or left out."""
    for i in range(len(node.keywords)):
        yield with_field(node, "keywords", node.keywords[:i] + node.keywords[i + 1 :])
    for i in range(len(node.args) - 1):
        order = [*node.args[:i], node.args[i + 1], node.args[i], *node.args[i + 2 :]]
        yield with_field(node, "args", order)
    if len(node.args) in (1, 2, 3) and isinstance(node.func, ast.Attribute):
        yield node.args[0]
    if isinstance(node.func, ast.Attribute):
        yield node.func.value  # without the method
    if ast.unparse(node.func) == "len":
        yield first_value(node)


def others(node: ast.AST, field: str, operator: ast.AST) -> Iterator[ast.AST]:
    """Return a node with other operators."""
    for other in OTHER_OPERATORS.get(type(operator), ()):
        yield with_field(node, field, other())


def with_field(node: ast.AST, field: str, value: Any) -> ast.AST:
    """Return a node with another field."""
    other = copy.copy(node)
    setattr(other, field, value)
    return other


def first_value(node: ast.expr) -> ast.expr:
    """Return an expression that keeps the value that it has first: a size in code."""
    return ast.Call(ast.Name("first_of", ast.Load()), [node], [])


def replaced(tree: ast.Module, place: ast.AST, other: ast.AST | None) -> ast.Module:
    """Return a module with another node in one place."""

    places: dict[int, Any] = {}
    tree = copy.deepcopy(tree, places)  # it fills places: the copies by ids of nodes

    class Replace(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            if node is places[id(place)]:
                return other or ast.Pass()
            return self.generic_visit(node)

    return ast.fix_missing_locations(Replace().visit(tree))


def compiled(tree: ast.Module, module: str, name: str) -> Function:
    """Return a function of a module's changed source."""
    kept: list[Any] = []

    def first_of(value: Any) -> Any:
        kept.append(value)
        return kept[0]

    space = {"__name__": module, "first_of": first_of}
    exec(compile(tree, module, "exec"), space)
    function: Function = space[name]
    return function
