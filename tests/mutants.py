"""Mutation testing: break the code in many small ways and count the unnoticed breaks.

`make mutants` runs mutmut on the files named in pyproject.toml, prints the fraction of
mutants that a test kills, and shows the survivors. Texts are left alone: a changed
error message or name is not a wrong result. Mutants that a test run doesn't finish on,
such as endless loops, count as killed. Unchanged files are not tested again: delete the
folder mutants/ to start afresh.
"""

import sys
from collections import Counter

from mutmut.__main__ import cli, collect_source_file_mutation_data
from mutmut.mutation import mutators
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

TARGET = 0.9
KILLED = ("killed", "timeout", "segfault")


def leave_texts_alone() -> None:
    """Remove the mutations of strings from mutmut's own list, which can't be set."""
    texts = (mutators.operator_string, mutators.operator_dict_arguments)
    operators = mutators.mutation_operators
    operators[:] = [pair for pair in operators if pair[1] not in texts]


def report() -> float:
    """Print the survivors and each file's score; return the score of all."""
    mutants, _ = collect_source_file_mutation_data(mutant_names=())
    killed, total = Counter(), Counter()
    for file, name, exit_code in mutants:
        status = status_by_exit_code[exit_code]
        total[file.path] += 1
        killed[file.path] += status in KILLED
        if status not in KILLED:
            print(f"{status}: {name}\n{get_diff_for_mutant(name, path=file.path)}")
    for path in sorted(total):
        print(f"{killed[path]:5} of {total[path]:4} killed: {path}")
    score = sum(killed.values()) / sum(total.values())
    print(f"{sum(killed.values()):5} of {sum(total.values()):4} killed: {score:.1%}")
    return score


if __name__ == "__main__":
    leave_texts_alone()
    cli(["run", *sys.argv[1:]], standalone_mode=False)
    sys.exit(report() < TARGET)
