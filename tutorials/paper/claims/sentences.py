"""The paper's claims about Table 2, sentence by sentence."""

from dataclasses import dataclass

from tutorials.paper.claims.comparisons import (
    Compare,
    best_under_attack,
    bim_is_stronger,
    clean_above,
    columns,
    errors_differ,
    majority_stays_accurate,
    more_diverse,
    noisy_ensemble_beats_singles,
    only_noise_exceeds_ten_percent,
    others_survive,
    singles_above,
    small_difference,
    worse_when_clean,
)

BOTH_OTHERS = ("random-init", "mixed-models")
ALL_OTHERS = (*BOTH_OTHERS, "bagging")


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper on MNIST, on CIFAR-10 or on both."""

    topic: str
    mnist: str | None  # None: the paper doesn't say it of this data set
    cifar10: str | None
    compare: Compare
    needs: tuple[str, ...] = ()  # methods, without which it can't be judged
    section: str = "section 4"


def both(quote: str) -> tuple[str, str]:
    """Return one quote for both data sets: the paper says it of each."""
    return quote, quote


CLAIMS = (
    Claim(
        "Attacks carry over only in part",
        *both(
            "an attack leading one model to misclassify does not imply the same for "
            "other networks performing the same task"
        ),
        others_survive,
        section="abstract",
    ),
    Claim(
        "Members err differently under attack",
        *both(
            "when performing adversarial perturbations on new data points different "
            "classifiers perform quite differently on these points"
        ),
        errors_differ,
        section="section 3",
    ),
    Claim(
        "Under FGSM and BIM the majority of members stays better than guessing",
        *both(
            "for any small ε > 0, we could not find an adversarial attack that would "
            "turn the majority of classifiers into non-accurate classifiers"
        ),
        majority_stays_accurate,
        section="section 3",
    ),
    Claim(
        "Mixed models are more diverse than random initial weights",
        *both(
            "to train multiple classifiers with different but similar network "
            "architectures to ensure obtaining a set of even more diverse classifiers"
        ),
        more_diverse("mixed-models", "random-init"),
        needs=BOTH_OTHERS,
        section="section 3",
    ),
    Claim(
        "Singles: trained with noise they withstand more",
        *both(
            "adding Gaussian noise to the training data also makes each classifier "
            "somewhat more robust against adversarial perturbations"
        ),
        singles_above("gaussian-noise", "random-init"),
        needs=("random-init", "gaussian-noise"),
        section="section 3",
    ),
    Claim(
        "Clean: roughly 99 %",
        "On unperturbed test data the classification accuracy is roughly 99%.",
        None,
        clean_above(0.98),  # one percent less
    ),
    Claim(
        "Clean: ensembles above singles",
        "The ensembles slightly outperform the single classifiers in all cases.",
        "single classifiers reach an accuracy of roughly 72%-80%, while ensembles show "
        "a higher accuracy of 77%-84%",
        columns("fgsm", "no_attack_ensemble", "no_attack_single"),
    ),
    Claim(
        "Clean: by less than one percent",
        "The difference between single classifiers and ensembles is below one percent "
        "throughout.",
        None,
        small_difference,
    ),
    Claim(
        "FGSM, Adv. 1: ensembles above singles",
        "The ensembles perform significantly better by producing an accuracy of "
        "57%-78%.",
        "In contrast, ensembles are significantly better reaching accuracies of "
        "43%-61% when attacked using Adv. 1 and 31%-47% when attacked with Adv. 2.",
        columns("fgsm", "adv1_ensemble", "adv1_single"),
    ),
    Claim(
        "FGSM, Adv. 2: ensembles above singles",
        "Nevertheless, the ensembles outperform single classifiers in each case by "
        "approximately 7%-22%.",
        "All ensemble methods outperform single classifiers when comparing its "
        "robustness against adversarial perturbations.",
        columns("fgsm", "adv2_ensemble", "adv1_single"),
    ),
    Claim(
        "FGSM: accuracy under Adv. 1 above Adv. 2",
        "The higher accuracy of Adv. 1 is expected since in contrast to Adv. 2 it "
        "computes the gradients with respect to just one classifier.",
        "FGSM attacks on an ensemble using Adv. 1 outperform those using Adv. 2, as "
        "expected.",
        columns("fgsm", "adv1_ensemble", "adv2_ensemble"),
    ),
    Claim(
        "Singles: BIM stronger than FGSM",
        "The decrease of the accuracy is even more extreme for single classifiers if "
        "the BIM method is used.",
        None,
        bim_is_stronger,
    ),
    Claim(
        "Singles under BIM",
        "Here, the accuracy can be as low as around 6% and only the classifiers "
        "trained with Gaussian noise significantly exceed the 10%.",
        None,
        only_noise_exceeds_ten_percent,
        needs=(*ALL_OTHERS, "gaussian-noise"),
    ),
    Claim(
        "BIM, Adv. 1: ensembles above singles",
        "The accuracy of the ensemble methods against attacks using Adv. 1 is with "
        "65%-92% considerably higher.",
        "Again, the ensemble methods outperform the single classifiers reaching "
        "accuracies of 52%-67% when attacked using Adv. 1 and 68%-73% when attacked "
        "with Adv. 2.",
        columns("bim", "adv1_ensemble", "adv1_single"),
    ),
    Claim(
        "BIM, Adv. 2: ensembles above singles",
        "Concluding, the ensemble methods outperform single classifiers significantly "
        "by 37%-85% on BIM attacks.",
        "All ensemble methods outperform single classifiers when comparing its "
        "robustness against adversarial perturbations.",
        columns("bim", "adv2_ensemble", "adv1_single"),
    ),
    Claim(
        "BIM, the surprise: accuracy under Adv. 2 above Adv. 1",
        "It is surprising that BIM attacks using Adv. 1 are more successful than those "
        "using Adv. 2, because Adv. 1 only attacks a single classifier in the "
        "ensemble.",
        "Similar with the MNIST experiments, when using BIM attacks, ensembles are "
        "surprisingly more robust against gradient attacks from Adv. 2 than against "
        "gradients from Adv. 1.",
        columns("bim", "adv2_ensemble", "adv1_ensemble"),
    ),
    Claim(
        "Attacked: Bagging above (i) and (ii)",
        "Bagging outperforms both of the previous methods on adversarial perturbations",
        "Bagging performs better than random initialization and than using similar but "
        "different network architectures.",
        best_under_attack("bagging", *BOTH_OTHERS),
        needs=(*BOTH_OTHERS, "bagging"),
    ),
    Claim(
        "Clean: (i) and (ii) above Bagging",
        "but performs slightly worse on unperturbed test data.",
        None,
        worse_when_clean("bagging", *BOTH_OTHERS),
        needs=(*BOTH_OTHERS, "bagging"),
    ),
    Claim(
        "Attacked: Gauss Noise above all others",
        "Using ensembles with small Gaussian noise on the training data results in the "
        "best defense mechanism against adversarial attacks.",
        "adding small Gaussian noise on the training data performs best on adversarial "
        "perturbations",
        best_under_attack("gaussian-noise", *ALL_OTHERS),
        needs=(*ALL_OTHERS, "gaussian-noise"),
    ),
    Claim(
        "Clean: all others above Gauss Noise",
        "adding Gaussian noise to the training data performs worst from all considered "
        "ensemble methods on test data.",
        "but relatively poor on real test data on CIFAR-10.",
        worse_when_clean("gaussian-noise", *ALL_OTHERS),
        needs=(*ALL_OTHERS, "gaussian-noise"),
    ),
    Claim(
        "Clean: the noisy ensemble above all singles",
        "However, such an ensemble still performs better than all single classifiers "
        "on MNIST.",
        None,
        noisy_ensemble_beats_singles,
        needs=(*ALL_OTHERS, "gaussian-noise"),
    ),
)
