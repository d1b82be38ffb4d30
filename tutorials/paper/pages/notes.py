"""The sentences below each table: what was run, and how to read the table."""

from statistics import fmean

from tutorials.paper.experiment.config import (
    LITERAL,
    PLAIN,
    Configuration,
    Parameters,
)
from tutorials.paper.pages.markdown import signed
from tutorials.paper.paper_numbers import (
    ATTACK_NAMES,
    HALVES,
    METHOD_NAMES,
    cost_of_noise,
)
from tutorials.paper.results import Results

CLEAN, NOISE = "random-init", "gaussian-noise"
LOGITS = {PLAIN: "plain logits", LITERAL: "ReLU on the logits"}
NETWORKS = {
    PLAIN: "The networks are the paper's, except that its tables have a ReLU on the "
    "logits, and ours have plain logits.",
    LITERAL: "The networks are the paper's, with the ReLU on the logits that its "
    "tables have.",
}


def title(results: Results) -> str:
    """Return the title of Table 2."""
    config = results.configuration
    dataset = config.dataset
    network = "" if config.network == PLAIN else f" ({LOGITS[config.network]})"
    if dataset not in HALVES:
        return f"Table 2 for {dataset}{network}, which the paper doesn't have"
    return f"Table 2, {HALVES[dataset]} half: {dataset}{network} beside the paper"


def name_of(config: Configuration) -> str:
    """Return a run's name among others: its data set and its network."""
    return f"{config.dataset}, {LOGITS[config.network]}"


def notes(results: Results) -> list[str]:
    """Return the sentences below the table."""
    config, data = results.configuration, results.data
    trained = min(config.train_images or data.train_images, data.train_images)
    attacks = [f"{ATTACK_NAMES[a]} {in_words(p)}" for a, p in config.attacks.items()]
    lacking = [name for m, name in METHOD_NAMES.items() if m not in results.methods]
    return [
        *warned(config.profile),
        *([f"{', '.join(lacking)}: not in this run."] if lacking else []),
        f"Each method has {counted(config.members, 'member')} (10 in the paper), "
        f"trained for {counted(config.epochs, 'epoch')} on "
        f"{counted(trained, 'image')} with {config.optimizer}, lr = {config.lr:g}, in "
        f"batches of {config.batch_size}. {tested_images(results)}",
        *([noise(results)] if NOISE in results.methods else []),
        *([restarts(results)] if config.attempts > 1 else []),
        *(f"Data: {words}" for words in data.differences),
        f"Attacks: {'; '.join(attacks)}. BIM has the eps of the paper's Figure 1, "
        "which the steps just reach. The caption of the paper's Table 2 gives a "
        "smaller eps for BIM, which is the size of one step. "
        f"{NETWORKS[config.network]}",
        "No Attack, Single is the mean accuracy of the members on clean images. Adv. "
        "1, Single is their mean accuracy when each is attacked with its own gradient. "
        "Adv. 1, Ensemble is the ensemble's mean accuracy over attacks with each "
        "member's gradient.",
        "95 % is the confidence interval of our number. For a mean over members it is "
        "Student's, which covers the randomness of training (for Adv. 1, Ensemble the "
        "choice of the gradient). For one classifier it is Wilson's, which covers the "
        "choice of test images.",
    ]


def warned(profile: str) -> list[str]:
    """Return a warning if the numbers of a profile mean nothing."""
    warning = "This was a smoke test: numbers and verdicts mean nothing."
    return [warning] if profile == "smoke" else []


def noise(results: Results) -> str:
    """Return the sentence about the noise: its sigma, and what it costs."""
    config = results.configuration
    sentence = f"{METHOD_NAMES[NOISE]} has sigma = {config.sigma:g}"
    if CLEAN not in results.methods:
        return f"{sentence}."
    clean, noisy = (fmean(results.methods[m].clean.members) for m in (CLEAN, NOISE))
    known = config.dataset in HALVES
    paper = f" ({signed(-cost_of_noise(config.dataset))} in the paper)" if known else ""
    return (
        f"{sentence}. The clean accuracy of its single networks differs from that of "
        f"{METHOD_NAMES[CLEAN]} by {signed(noisy - clean)}{paper}."
    )


def restarts(results: Results) -> str:
    """Return the sentence about members that were restarted."""
    every = [member for r in results.methods.values() for member in r.members]
    again = [member.attempt for member in every if member.attempt]
    return (
        "A member with a dead class after the first epoch, one whose logit was the "
        "same for all training images, was trained anew from other initial weights, "
        f"in at most {results.configuration.attempts} attempts: {len(again)} of "
        f"{len(every)} members, {counted(sum(again), 'restart')} in all."
    )


def in_words(parameters: Parameters) -> str:
    """Return an attack's parameters, as eps = 0.2, alpha = 0.025."""
    return ", ".join(f"{name} = {value:g}" for name, value in parameters.items())


def tested_images(results: Results) -> str:
    """Return the sentence about the test images."""
    attacked, there = attacked_images(results), results.data.test_images
    every = f"all {counted(there, 'test image')}"
    if attacked == there:
        return f"All accuracies are measured on {every}."
    clean = ", ".join(
        f"{METHOD_NAMES[method]} {r.clean_attacked.ensemble:.4f}"
        for method, r in results.methods.items()
    )
    return (
        f"No Attack is measured on {every}, the attacks on the first {attacked:,} of "
        f"them. On these the ensembles' accuracies without an attack are {clean}."
    )


def counted(number: int, thing: str) -> str:
    """Return a number of things in words."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def attacked_images(results: Results) -> int:
    """Return the number of attacked images."""
    return next(iter(results.methods.values())).clean_attacked.images
