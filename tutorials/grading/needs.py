"""What an answer needs: the statements in its file that make the values it uses."""

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from symtable import symtable

DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
COMPREHENSION = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
SCOPE = DEFINITION | COMPREHENSION | ast.Lambda  # with names of its own
PLAIN = DEFINITION | ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom
Statements = Sequence[ast.stmt]


def needed(statements: Statements, place: int) -> ast.Module:
    """Return the statements that the function at a place needs, in their order.

    Functions see names as they are at the end of the file, other statements as they are
    before these.
    """
    (own,) = bound(statements[place])
    alone = [
        ast.Pass() if k != place and own in bound(s) and own in final(s) else s
        for k, s in enumerate(statements)
    ]  # without the function's other definitions
    kept = {k for k, s in enumerate(statements) if "*" in bound(s)}
    wanted, seen = {(own, len(statements))}, set[tuple[str, int]]()
    while wanted:
        name, end = item = wanted.pop()
        seen.add(item)
        for k in makers(alone if name == own else statements, name, end):
            kept.add(k)
            wanted |= set(uses(statements[k], k, end)) - seen
    return ast.Module(body=[statements[k] for k in sorted(kept)], type_ignores=[])


def makers(statements: Statements, name: str, end: int) -> Iterator[int]:
    """Yield the places of the statements that make a name's value before another place.

    They are found backwards. What precedes a statement that gives the name a new value,
    whatever happens, has no part in it.
    """
    for k in reversed(range(end)):
        if name in bound(statements[k]):
            yield k
            if name in final(statements[k]):
                return


def uses(statement: ast.stmt, place: int, end: int) -> Iterator[tuple[str, int]]:
    """Yield the names that a statement uses, each with the place before which it does.

    Its own place is that for names outside of functions, `end` for those inside.
    """
    for name, inside in used(statement):
        if inside:
            yield name, end
        if not (inside and is_function(statement)):
            yield name, place


def outer(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yield a statement's nodes, without those inside that have names of their own."""
    nodes: list[ast.AST] = [statement]
    while nodes:
        yield (node := nodes.pop())
        if not isinstance(node, SCOPE):
            nodes += ast.iter_child_nodes(node)


@cache
def bound(statement: ast.stmt) -> set[str]:
    """Return the names that a top-level statement gives a value, if any."""
    names: set[str] = set()
    for node in outer(statement):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.alias():
                names.add((node.asname or node.name).partition(".")[0])
            case ast.Name(ctx=ast.Store() | ast.Del()):
                names.add(node.id)
    return names


@cache
def final(statement: ast.stmt) -> set[str]:
    """Return the names that get a value here whatever they were before."""
    if not isinstance(statement, PLAIN) or getattr(statement, "value", 0) is None:
        return set()  # perhaps none, or nothing but a type
    return bound(statement) - {name for name, inside in used(statement) if not inside}


@cache
def used(statement: ast.stmt) -> set[tuple[str, bool]]:
    """Return the names from outside a statement that it uses, and if inside a scope."""
    tables = [symtable(ast.unparse(statement), "answer", "exec")]
    names = {
        (s.get_name(), False) for s in tables[0].get_symbols() if s.is_referenced()
    }
    while tables:
        tables += (children := tables.pop().get_children())
        names |= {
            (symbol.get_name(), True)
            for table in children
            for symbol in table.get_symbols()
            if symbol.is_global()
        }
    return names


def is_function(statement: ast.stmt) -> bool:
    """Return whether a statement defines a function, rather than imports one."""
    if isinstance(statement, ast.Assign):
        return isinstance(statement.value, ast.Lambda)
    return isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
