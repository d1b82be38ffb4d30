"""What an answer needs: the statements in its file that make the values it uses."""

import ast
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from symtable import symtable

DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
COMPREHENSION = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
SCOPE = DEFINITION | COMPREHENSION | ast.Lambda  # with names of its own
PLAIN = DEFINITION | ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom
FILLING = {
    *("copyto", "fill_diagonal", "place", "put", "putmask", "put_along_axis"),
    *("heappush", "setattr", "shuffle"),
}
Statements = Sequence[ast.stmt]


def needed(statements: Statements, place: int, own: str, end: int) -> ast.Module:
    """Return the statements that a function made at a place needs, in their order.

    Functions see names as they are before the end, other statements as they are before
    these. The function's own name isn't made anew after the place.
    """
    after = range(place + 1, len(statements))
    last = next((k for k in after if own in bound(statements[k])), len(statements))
    kept = {k for k, s in enumerate(statements) if "*" in bound(s) or is_future(s)}
    wanted, seen = {(own, end)}, set[tuple[str, int]]()
    while wanted:
        name, end = item = wanted.pop()
        seen.add(item)
        end = min(end, last) if name == own else end
        before = [*makers(statements, name, end)]
        for k in before or makers(statements, name, len(statements)):
            kept.add(k)
            wanted |= set(uses(statements[k], k, end)) - seen
    body = sorted((statements[k] for k in sorted(kept)), key=is_future, reverse=True)
    return ast.Module(body=body, type_ignores=[])


def makers(statements: Statements, name: str, end: int) -> Iterator[int]:
    """Yield the places of the statements that make a name's value before another place.

    They are found backwards. What precedes a statement that gives the name a new value,
    whatever happens, has no part in it. Modules aren't changed.
    """
    changing = list[int]()
    for k in reversed(range(end)):
        statement = statements[k]
        if name in bound(statement):
            yield k
            if name in final(statement):
                if not is_import(statement):
                    yield from changing
                return
        elif name in changed(statement) | filled(statement, statements):
            changing.append(k)
    yield from changing


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
def changed(statement: ast.stmt) -> set[str]:
    """Return the names whose values a top-level statement changes, as far as it shows.

    It stores to an item, an attribute or `out`, or calls a method for its own sake.
    """
    names = set[str]()
    for node in outer(statement):
        match node:
            case ast.Subscript(ctx=ast.Store() | ast.Del()):
                names.add(root(node))
            case ast.Attribute(ctx=ast.Store() | ast.Del()):
                names.add(root(node))
            case ast.Expr(ast.Call(ast.Attribute() as method)):
                names.add(root(method))
            case ast.keyword("out", value):
                names.add(root(value))
    return names


def filled(statement: ast.stmt, statements: Statements) -> set[str]:
    """Return what functions called for their own sake may fill: arguments and globals.

    These are NumPy's and the file's own. A call like test(f) fills no function.
    """
    names = set[str]()
    for called, arguments in calls(statement):
        own = [node for s in statements if called in defined(s) for node in ast.walk(s)]
        names |= arguments if own or called in FILLING else set()
        names.update(*(n.names for n in own if isinstance(n, ast.Global)))
    return names and names.difference(*map(defined, statements))


@cache
def calls(statement: ast.stmt) -> list[tuple[str, set[str]]]:
    """Return the functions called for their own sake, and their arguments' names."""
    return [
        (ast.unparse(call.func).rpartition(".")[2], set(map(root, call.args)))
        for node in outer(statement)
        if isinstance(node, ast.Expr) and isinstance(call := node.value, ast.Call)
    ]


def root(node: ast.AST) -> str:
    """Return the name with which an expression like a.b[0] begins, or ""."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


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
    """Return whether a statement is a function's definition, and nothing else."""
    if isinstance(statement, ast.Assign):
        return isinstance(statement.value, ast.Lambda)
    return isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)


@cache
def defined(statement: ast.stmt) -> set[str]:
    """Return the names of the functions that a statement, or a part of it, defines."""
    return {name for part in parts(statement, is_function) for name in bound(part)}


@cache
def imported(statement: ast.stmt) -> set[str]:
    """Return the names that a statement, or a part of it, imports."""
    return {name for part in parts(statement, is_import) for name in bound(part)}


def parts(statement: ast.stmt, are: Callable[[ast.stmt], bool]) -> list[ast.stmt]:
    """Return a statement and those inside, as of an `if`, that are of some kind."""
    inside = (node for node in outer(statement) if isinstance(node, ast.stmt))
    return list(filter(are, inside))


def is_import(statement: ast.stmt) -> bool:
    """Return whether a statement is an import."""
    return isinstance(statement, ast.Import | ast.ImportFrom)


def is_future(statement: ast.stmt) -> bool:
    """Return whether a statement must stand first: from __future__ import ..."""
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
