"""Networks that several chapters use: trained once, then kept in the user's cache.

They are the members that `make paper` trains on the embedded images, so that whoever
has run that has them already, and the numbers of the chapters are those of its table.
"""

from ensembles import train_ensemble
from minidl import Sequential
from minidl.data.places import cache_folder
from tutorials.paper.config import configure
from tutorials.paper.units import member_jobs


def ensemble(method: str = "random-init") -> tuple[Sequential, ...]:
    """Return three members of one of the paper's methods; a minute, the first time.

    In this process: others would begin by running the script that asks for them.
    """
    [jobs] = member_jobs(configure("mnist-sample", "quick", [method])).values()
    trained = train_ensemble(jobs, folder=cache_folder() / "runs", workers=1)
    members = tuple(m for m in trained.members if isinstance(m, Sequential))
    assert len(members) == len(jobs)
    return members


def network() -> Sequential:
    """Return the first of the members with random initial weights: Table 1."""
    return ensemble()[0]
