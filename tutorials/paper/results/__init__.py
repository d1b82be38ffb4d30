"""The files of results, one a method, and Table 2 derived from them."""

from tutorials.paper.results.files import methods_in, published, read, write
from tutorials.paper.results.schema import Data, Examples, Execution, Results
from tutorials.paper.results.scores import AttackResult, Member, MethodResult, Score
from tutorials.paper.results.table2 import Cell

__all__ = [
    "AttackResult",
    "Cell",
    "Data",
    "Examples",
    "Execution",
    "Member",
    "MethodResult",
    "Results",
    "Score",
    "methods_in",
    "published",
    "read",
    "write",
]
