"""Mutation testing: break the code in many small ways and count the unnoticed breaks.

`make mutants` runs mutmut on the files of GROUPS, shows the mutants that no test kills,
and prints the fraction of killed ones; each group has a target. Files and tests can be
named: `python -m tests.mutants attacks/bim.py tests/attacks/test_bim.py`. Texts are
left alone: a changed error message or name is not a wrong result. Mutants that a test
run doesn't finish on, such as endless loops, count as killed. Unchanged files are not
tested again: delete the folder mutants/ to start afresh.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatch

import libcst as cst
from mutmut.__main__ import cli, collect_source_file_mutation_data
from mutmut.configuration import config
from mutmut.mutation import file_mutation, mutators
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

from tests.size import CORE

BESIDE = (  # what the core's files rely on, and was part of them once
    "minidl/fusion.py",
    "minidl/batches.py",
    "minidl/layer_memory.py",
    "minidl/network_checks.py",
    "minidl/optimizer_base.py",
    "minidl/training_checks.py",
    "ensembles/jobs.py",
    "ensembles/materialise.py",
)
GROUPS = {"core": ((*CORE, *BESIDE), 0.98), "attacks": (("attacks/*.py",), 0.95)}
KILLED = ("killed", "timeout", "segfault")
LEFT_ALONE = ("TypeError", "ValueError", "RuntimeError", "FloatingPointError", "zip")
UNTOUCHED = ("setter", "overload", "cache")  # decorators of functions left as they are


def leave_texts_alone() -> None:
    """Remove the mutations of strings from mutmut's own list, which has no setting.

    Calls that make errors aren't changed either, and `zip` of equal lengths isn't.
    """
    file_mutation.NEVER_MUTATE_FUNCTION_CALLS.update(LEFT_ALONE)
    texts = (mutators.operator_string, mutators.operator_dict_arguments)
    operators = mutators.mutation_operators
    operators[:] = [pair for pair in operators if pair[1] not in texts]


def mutate_decorated_functions() -> None:
    """Let mutmut change functions below decorators, as most attacks are.

    Only the function that is called keeps its decorators, not its copies. A decorator's
    own arguments are left alone.
    """
    visitor = file_mutation.MutationVisitor
    arrange = file_mutation.function_trampoline_arrangement
    skip = visitor._skip_node_and_children

    def skip_others(self, node):
        if isinstance(node, cst.FunctionDef) and not untouched(node):
            node = node.with_changes(decorators=())
        return skip(self, node)

    def arrange_bare(function, mutants, class_name):
        bare = function.with_changes(decorators=())
        before, (called, *copies), after, names = arrange(bare, mutants, class_name)
        called = called.with_changes(
            decorators=(*function.decorators, *called.decorators)
        )
        return before, [called, *copies], after, names

    visitor._skip_node_and_children = skip_others
    file_mutation.function_trampoline_arrangement = arrange_bare


def untouched(function: cst.FunctionDef) -> bool:
    """Tell whether a decorator needs the function itself, not a copy."""
    names = [cst.Module([]).code_for_node(d.decorator) for d in function.decorators]
    return any(name.split("(")[0].split(".")[-1] in UNTOUCHED for name in names)


def report() -> bool:
    """Print survivors and each file's score; tell whether each group has its target."""
    mutants, _ = collect_source_file_mutation_data(mutant_names=())
    killed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for file, name, exit_code in mutants:
        status, path = status_by_exit_code[exit_code], str(file.path)
        for key in (
            path,
            *(g for g, (files, _) in GROUPS.items() if fits(path, files)),
        ):
            total[key] += 1
            killed[key] += status in KILLED
        if status not in KILLED:
            print(f"{status}: {name}\n{get_diff_for_mutant(name, path=path)}")
    for key in sorted(total, key=lambda key: (key in GROUPS, key)):
        score = killed[key] / total[key]
        print(f"{killed[key]:5} of {total[key]:4} killed, {score:6.1%}: {key}")
    return all(killed[g] >= least * total[g] for g, (_, least) in GROUPS.items())


def fits(path: str, patterns: Sequence[str]) -> bool:
    """Tell whether a path fits one of several patterns, in folders at any depth."""
    return any(fnmatch(path, pattern) for pattern in patterns)


if __name__ == "__main__":
    leave_texts_alone()
    mutate_decorated_functions()
    every = [pattern for patterns, _ in GROUPS.values() for pattern in patterns]
    tests = [path for path in sys.argv[1:] if path.startswith("tests/")]
    config().only_mutate = [path for path in sys.argv[1:] if path not in tests] or every
    if tests:
        config().pytest_add_cli_args_test_selection = tests
    cli(["run"], standalone_mode=False)
    sys.exit(not report())
