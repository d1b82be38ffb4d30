"""The choices of training that the paper leaves open, each changed alone.

They may explain why the paper's networks withstand larger perturbations than ours: the
factor s of `tutorials.anomaly.labels`. None of them becomes a setting of Table 2, which
would then be chosen on attacked accuracy.
"""

from dataclasses import replace
from typing import Any

from ensembles import MemberJob
from ensembles.architectures import CENTRED
from ensembles.jobs import TABLE_OF
from tutorials.paper.experiment.config import LITERAL, Configuration, table_of
from tutorials.paper.experiment.members import member_jobs
from tutorials.paper.search.trials import OPTIMIZERS

SEEDS = 3
AS_IN_TABLE_2 = "as in Table 2"
DECAYS = (1e-4, 1e-3)


def choices(config: Configuration) -> dict[str, dict[str, Any]]:
    """Return what each choice changes in a member's job."""
    epochs, table = config.epochs, TABLE_OF[config.dataset]
    optimizers = {
        f"{name}, rate {lr:g}, batches of {batch_size}": {
            "optimizer": name,
            "lr": lr,
            "batch_size": batch_size,
        }
        for name, lr, batch_size in OPTIMIZERS
        if (name, lr, batch_size) != (config.optimizer, config.lr, config.batch_size)
    }
    lengths = {max(1, epochs // 5), max(1, epochs // 2), 2 * epochs} - {epochs}
    return {
        AS_IN_TABLE_2: {},
        **optimizers,
        **{f"epochs: {n}": {"epochs": n} for n in sorted(lengths)},
        **{f"weight decay {c:g}": {"weight_decay": c} for c in DECAYS},
        "pixels in [-1, 1]": {"architecture": table + CENTRED},
        "ReLU on the logits": {"architecture": table_of(config.dataset, LITERAL)},
    }


def jobs_of(config: Configuration) -> dict[str, list[MemberJob]]:
    """Return the jobs of each choice: one member of each seed, the same in all."""
    [base] = member_jobs(replace(config, members=SEEDS)).values()
    return {
        name: [replace(job, **changes) for job in base]
        for name, changes in choices(config).items()
    }
