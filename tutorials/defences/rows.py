"""The table's rows: which networks each defence needs, and how many."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from attacks import Adversarial
from ensembles import MemberJob, boosting, random_init, snapshots
from tutorials.defences.parts import Part
from tutorials.defences.settings import Settings
from tutorials.paper.experiment.members import member_jobs


@dataclass(frozen=True)
class Row:
    """One defence: its members, what is trained beside them, and its adversaries."""

    name: str  # of its file
    title: str
    jobs: tuple[MemberJob, ...]
    kind: str = "plain"  # a name of victims.KINDS
    part: str = ""  # what each member has beside it: a name of parts.KINDS
    eps: float = 0.0  # that a part is trained for
    alone: bool = False  # each member is also attacked alone

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is trained beside each member."""
        return tuple(Part(self.part, job, self.eps) for job in self.jobs if self.part)

    @property
    def members(self) -> int:
        """How many networks vote."""
        return sum(job.together for job in self.jobs)

    @property
    def singles(self) -> list["Row"]:
        """The same defence with each member alone, where members are attacked alone."""
        each = enumerate(self.jobs if self.alone else ())
        return [replace(self, name=f"{self.name}, {i}", jobs=(job,)) for i, job in each]


def rows(settings: Settings) -> list[Row]:
    """Return all rows, in the table's order."""
    teams = member_jobs(settings.paper)
    plain, noise = (tuple(teams[m]) for m in ("random-init", "gaussian-noise"))
    seed, dataset, size = settings.paper.seed, settings.paper.dataset, settings.size
    own = settings.training
    chain = (size.chain, seed, dataset)
    found = [
        Row("single", "Undefended", plain[:1]),
        Row("plain", "Random initial weights", plain),
        Row("noise", "Gaussian noise", noise),
        Row("boosting", "Boosting", tuple(boosting(*chain, **own))),
        Row("snapshots", "Snapshots", tuple(snapshots(*chain, **own))),
        Row("mc-dropout", "Monte Carlo dropout", plain[:1], "dropout"),
    ]
    beside = {
        "distilled": ("Distillation", "student"),
        "autoencoder": ("Denoising autoencoder", "encoder"),
        "rounding": ("Rounding", ""),
        "detector": ("Detector", "head"),
    }
    for name, (title, part) in beside.items():
        for jobs in (plain[:1], plain[: size.three]):
            row = Row(f"{name}-{len(jobs)}", title, jobs, name, part, settings.eps)
            found.append(row)
    together = random_init(1, seed, dataset, together=size.three, **own, loss="adp")
    found.append(Row(f"adp-{size.three}", "ADP", tuple(together)))
    return found + adversarial(settings)


def adversarial(settings: Settings) -> list[Row]:
    """Return the rows of adversarial training, by FGSM and by PGD."""
    size, eps = settings.size, settings.eps
    place = settings.paper.seed, settings.paper.dataset
    fgsm = Adversarial(eps, 1.25 * eps, 1, growth=0)
    pgd = Adversarial(eps, eps / 4, **size.attack)
    own = {
        attack.steps: tuple(
            random_init(size.five, *place, perturb=attack, **settings.robust)
        )
        for attack in (fgsm, pgd)
    }
    counts = {1: (1, size.three), pgd.steps: (1, size.three, size.five)}
    found = [
        Row(f"{name}-{n}", f"{name.upper()} training", own[steps][:n], alone=n > 1)
        for name, steps in (("fgsm", 1), ("pgd", pgd.steps))
        for n in dict.fromkeys(counts[steps])
    ]
    joint = random_init(1, *place, perturb=pgd, together=size.three, **settings.robust)
    title = "PGD training, the ensemble's loss"
    return [*found, Row(f"pgd-joint-{size.three}", title, tuple(joint))]


def chosen(every: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """Return the rows of some names, each once, or all without any.

    Raises ValueError for other names.
    """
    known = [row.name for row in every]
    for name in names:
        if name not in known:
            raise ValueError(f"--row must be one of {', '.join(known)}, got {name!r}")
    return [row for row in every if not names or row.name in names]
