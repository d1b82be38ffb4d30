"""Mutation testing: break the code in many small ways and count the unnoticed breaks.

`make mutants` runs mutmut on the files of GROUPS, shows the mutants that no test kills,
and prints the fraction of killed ones; each group has a target. Files and tests can be
named: `python -m tests.mutants attacks/bim.py tests/attacks/test_bim.py`. Texts are
left alone: a changed error message or name is not a wrong result. Mutants that a test
run doesn't finish on, such as endless loops, count as killed. Unchanged files are not
tested again: delete the folder mutants/ to start afresh.

mutmut imports everything once, and forks a process for each mutant. Functions that run
at import, such as decorators, have run unchanged by then, so their mutants are tried
again in processes of their own.
"""

import os
import re
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import libcst as cst
from mutmut.__main__ import cli, collect_source_file_mutation_data
from mutmut.configuration import config
from mutmut.mutation import file_mutation, mutators
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.state import state
from mutmut.stats import load_stats, status_by_exit_code

from tests.size import CORE

BESIDE = (  # what the core's files rely on, and was part of them once
    "minidl/fusion.py",
    "minidl/batches.py",
    "minidl/checks/layers.py",
    "minidl/layer_memory.py",
    "minidl/layer_passes.py",
    "minidl/checks/networks.py",
    "minidl/optimizer_base.py",
    "minidl/checks/training.py",
    "ensembles/jobs.py",
    "ensembles/materialise.py",
)
GROUPS = {"core": ((*CORE, *BESIDE), 0.98), "attacks": (("attacks/*.py",), 0.95)}
KILLED = ("killed", "timeout", "segfault")
ORIGINAL = "none"  # a name that no mutant has
LEFT_ALONE = ("TypeError", "ValueError", "RuntimeError", "FloatingPointError", "zip")
UNTOUCHED = ("setter", "overload", "cache")  # they need the function itself, not a copy
FILLED_IN = ("checked",)  # they pass a value for each parameter
DISPATCHED = re.findall(  # so does the kernels' dispatcher, which isn't imported here
    r"dispatched\(\s*\w+\.(\w+)", Path("minidl/kernels/__init__.py").read_text()
)
PATIENCE = 600  # seconds
MEMORY = 12 * 2**30  # bytes of address space, for loops that end in memory only


def leave_texts_alone() -> None:
    """Remove the mutations of strings from mutmut's own list, which has no setting.

    Arguments that are strings stay, too. Calls that make errors aren't changed, and
    `zip` of equal lengths isn't.
    """
    file_mutation.NEVER_MUTATE_FUNCTION_CALLS.update(LEFT_ALONE)
    texts = (mutators.operator_string, mutators.operator_dict_arguments)
    change_arguments = mutators.operator_arg_removal

    def change_others(call):
        strings = sum(isinstance(arg.value, cst.BaseString) for arg in call.args)
        for changed in change_arguments(call):
            left = sum(isinstance(arg.value, cst.BaseString) for arg in changed.args)
            if left == strings:
                yield changed

    operators = mutators.mutation_operators
    kept = [pair for pair in operators if pair[1] not in (*texts, change_arguments)]
    operators[:] = [*kept, (cst.Call, change_others)]


def mutate_decorated_functions() -> None:
    """Let mutmut change functions below decorators, as most attacks are.

    Only the function that is called keeps its decorators, not its copies. A decorator's
    own arguments are left alone, and so are the defaults that `checked` or the kernels'
    dispatcher fills in: they are read before any mutant exists.
    """
    visitor = file_mutation.MutationVisitor
    arrange = file_mutation.function_trampoline_arrangement
    skip = visitor._skip_node_and_children
    filled_in: set[cst.CSTNode] = set()

    def skip_others(self, node):
        if isinstance(node, cst.FunctionDef):
            if has_decorator(node, FILLED_IN) or node.name.value in DISPATCHED:
                filled_in.add(node.params)
            if not has_decorator(node, UNTOUCHED):
                node = node.with_changes(decorators=())
        return node in filled_in or skip(self, node)

    def arrange_bare(function, mutants, class_name):
        bare = function.with_changes(decorators=())
        before, (called, *copies), after, names = arrange(bare, mutants, class_name)
        called = called.with_changes(
            decorators=(*function.decorators, *called.decorators)
        )
        return before, [called, *copies], after, names

    visitor._skip_node_and_children = skip_others
    file_mutation.function_trampoline_arrangement = arrange_bare


def has_decorator(function: cst.FunctionDef, names: Sequence[str]) -> bool:
    """Tell whether a function has one of some decorators."""
    found = [cst.Module([]).code_for_node(d.decorator) for d in function.decorators]
    return any(text.split("(")[0].split(".")[-1] in names for text in found)


def in_mutants(mutant: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the mutated files with one mutant, or "stats" to count calls.

    Raises TimeoutExpired after PATIENCE seconds.
    """
    return subprocess.run(
        [sys.executable, *command],
        cwd="mutants",
        env=os.environ | {"MUTANT_UNDER_TEST": mutant},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def run_at_import(modules: Sequence[str]) -> list[str]:
    """Return mutmut's names of the functions that run while modules are imported."""
    code = "from mutmut.state import state; print(*state()._stats)"
    done = in_mutants("stats", "-c", f"import {', '.join(modules)}; {code}")
    done.check_returncode()  # without names, no mutant would be tried again
    return done.stdout.split()


@cache
def tests_of(module: str) -> Path:
    """Write the tests that call a module's functions to a file; they must pass."""
    called = state().tests_by_mangled_function_name.items()
    found = {test for f, own in called if f.startswith(f"{module}.x") for test in own}
    file = Path("mutants", f"{module}.tests").absolute()
    file.write_text("\n".join(sorted(found)))
    if not passes(ORIGINAL, file):
        raise RuntimeError(f"the tests in {file} fail without any mutant")
    return file


def passes(mutant: str, tests: Path) -> bool:
    """Tell whether the tests listed in a file pass, in a new process, and end."""
    options = "-x", "-q", "--rootdir=.", *config().pytest_add_cli_args
    with suppress(subprocess.TimeoutExpired):
        return in_mutants(mutant, "-m", "pytest", *options, f"@{tests}").returncode == 0
    return False


def try_again() -> None:
    """Test surviving mutants of functions that run at import, each in a new process."""
    load_stats()
    mutants, _ = collect_source_file_mutation_data(mutant_names=())
    module_of = {f.path: str(f.path)[:-3].replace("/", ".") for f, _, _ in mutants}
    early = run_at_import([*module_of.values()])
    for file, name, code in mutants:
        survived = status_by_exit_code[code] not in KILLED
        if survived and name.partition("__mutmut_")[0] in early:
            killed = not passes(name, tests_of(module_of[file.path]))
            file.exit_code_by_key[name] = int(killed)
            file.save()


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
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    leave_texts_alone()
    mutate_decorated_functions()
    every = [pattern for patterns, _ in GROUPS.values() for pattern in patterns]
    tests = [path for path in sys.argv[1:] if path.startswith("tests/")]
    config().only_mutate = [path for path in sys.argv[1:] if path not in tests] or every
    if tests:
        config().pytest_add_cli_args_test_selection = tests
    cli(["run"], standalone_mode=False)
    try_again()
    sys.exit(not report())
