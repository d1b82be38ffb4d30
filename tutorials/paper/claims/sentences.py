"""The paper's claims about Table 2, and about other attacks, sentence by sentence."""

from dataclasses import dataclass

from tutorials.paper.claims.comparisons import (
    Compare,
    best_under_attack,
    clean_above,
    combinations_above_ensembles,
    ensemble_beats_singles,
    ensembles_above_members,
    in_each_method,
    only_exceeds_ten_percent,
    singles_above,
    small_difference,
    worse_when_clean,
)
from tutorials.paper.claims.diversity import (
    errors_differ,
    majority_stays_accurate,
    more_diverse,
    others_survive,
)

BAGGING_AND_OTHERS = ("bagging", "random-init", "mixed-models")
NOISE_AND_OTHERS = ("gaussian-noise", "random-init", "mixed-models", "bagging")


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper, and the comparisons that it makes."""

    topic: str
    compare: Compare
    mnist: str = ""  # the sentence on MNIST, empty if the paper doesn't say it there
    cifar10: str = ""
    both: str = ""  # one sentence on both
    methods: tuple[str, ...] = ()  # compared with each other; none: each on its own
    section: str = "section 4"
    adaptive: bool = False  # compare takes results of adaptive attacks, not Table 2
    combined: bool = False  # compare takes the table of defences


CLAIMS = (
    Claim(
        "Attacks transfer only in part",
        others_survive,
        both="an attack leading one model to misclassify does not imply the same for "
        "other networks performing the same task",
        section="abstract",
    ),
    Claim(
        "Members err differently under attack",
        errors_differ,
        both="when performing adversarial perturbations on new data points different "
        "classifiers perform quite differently on these points",
        section="section 3",
    ),
    Claim(
        "Under FGSM and BIM the majority of members stays better than guessing",
        majority_stays_accurate,
        both="for any small ε > 0, we could not find an adversarial attack that would "
        "turn the majority of classifiers into non-accurate classifiers",
        section="section 3",
    ),
    Claim(
        "Mixed models are more diverse than random initial weights",
        more_diverse,
        both="to train multiple classifiers with different but similar network "
        "architectures to ensure obtaining a set of even more diverse classifiers",
        methods=("mixed-models", "random-init"),
        section="section 3",
    ),
    Claim(
        "Singles: more robust when trained with noise",
        singles_above,
        both="adding Gaussian noise to the training data also makes each classifier "
        "somewhat more robust against adversarial perturbations",
        methods=("gaussian-noise", "random-init"),
        section="section 3",
    ),
    Claim(
        "Clean: roughly 99 %",
        clean_above(0.98),  # 99 % less one percent
        mnist="On unperturbed test data the classification accuracy is roughly 99%.",
    ),
    Claim(
        "Clean: ensembles above singles",
        in_each_method(("fgsm", "no_attack_ensemble"), ("fgsm", "no_attack_single")),
        mnist="The ensembles slightly outperform the single classifiers in all cases.",
        cifar10="single classifiers reach an accuracy of roughly 72%-80%, while "
        "ensembles show a higher accuracy of 77%-84%",
    ),
    Claim(
        "Clean: ensembles above singles by less than one percent",
        small_difference,
        mnist="The difference between single classifiers and ensembles is below one "
        "percent throughout.",
    ),
    Claim(
        "FGSM, Adv. 1: ensembles above singles",
        in_each_method(("fgsm", "adv1_ensemble"), ("fgsm", "adv1_single")),
        mnist="The ensembles perform significantly better by producing an accuracy of "
        "57%-78%.",
        cifar10="In contrast, ensembles are significantly better reaching accuracies "
        "of 43%-61% when attacked using Adv. 1 and 31%-47% when attacked with Adv. 2.",
    ),
    Claim(
        "FGSM, Adv. 2: ensembles above singles",
        in_each_method(("fgsm", "adv2_ensemble"), ("fgsm", "adv1_single")),
        mnist="Nevertheless, the ensembles outperform single classifiers in each case "
        "by approximately 7%-22%.",
        cifar10="All ensemble methods outperform single classifiers when comparing its "
        "robustness against adversarial perturbations.",
    ),
    Claim(
        "FGSM: accuracy under Adv. 1 above Adv. 2",
        in_each_method(("fgsm", "adv1_ensemble"), ("fgsm", "adv2_ensemble")),
        mnist="The higher accuracy of Adv. 1 is expected since in contrast to Adv. 2 "
        "it computes the gradients with respect to just one classifier.",
        cifar10="FGSM attacks on an ensemble using Adv. 1 outperform those using Adv. "
        "2, as expected.",
    ),
    Claim(
        "Singles: BIM stronger than FGSM",
        in_each_method(("fgsm", "adv1_single"), ("bim", "adv1_single")),
        mnist="The decrease of the accuracy is even more extreme for single "
        "classifiers if the BIM method is used.",
    ),
    Claim(
        "Singles under BIM: above 10 % only with noise",
        only_exceeds_ten_percent,
        mnist="Here, the accuracy can be as low as around 6% and only the classifiers "
        "trained with Gaussian noise significantly exceed the 10%.",
        methods=NOISE_AND_OTHERS,
    ),
    Claim(
        "BIM, Adv. 1: ensembles above singles",
        in_each_method(("bim", "adv1_ensemble"), ("bim", "adv1_single")),
        mnist="The accuracy of the ensemble methods against attacks using Adv. 1 is "
        "with 65%-92% considerably higher.",
        cifar10="Again, the ensemble methods outperform the single classifiers "
        "reaching accuracies of 52%-67% when attacked using Adv. 1 and 68%-73% when "
        "attacked with Adv. 2.",
    ),
    Claim(
        "BIM, Adv. 2: ensembles above singles",
        in_each_method(("bim", "adv2_ensemble"), ("bim", "adv1_single")),
        mnist="Concluding, the ensemble methods outperform single classifiers "
        "significantly by 37%-85% on BIM attacks.",
        cifar10="All ensemble methods outperform single classifiers when comparing its "
        "robustness against adversarial perturbations.",
    ),
    Claim(
        "BIM, the surprise: accuracy under Adv. 2 above Adv. 1",
        in_each_method(("bim", "adv2_ensemble"), ("bim", "adv1_ensemble")),
        mnist="It is surprising that BIM attacks using Adv. 1 are more successful than "
        "those using Adv. 2, because Adv. 1 only attacks a single classifier in the "
        "ensemble.",
        cifar10="Similar with the MNIST experiments, when using BIM attacks, ensembles "
        "are surprisingly more robust against gradient attacks from Adv. 2 than "
        "against gradients from Adv. 1.",
    ),
    Claim(
        "Attacked: Bagging above (i) and (ii)",
        best_under_attack,
        mnist="Bagging outperforms both of the previous methods on adversarial "
        "perturbations",
        cifar10="Bagging performs better than random initialization and than using "
        "similar but different network architectures.",
        methods=BAGGING_AND_OTHERS,
    ),
    Claim(
        "Clean: (i) and (ii) above Bagging",
        worse_when_clean,
        mnist="but performs slightly worse on unperturbed test data.",
        methods=BAGGING_AND_OTHERS,
    ),
    Claim(
        "Attacked: Gauss Noise above all others",
        best_under_attack,
        mnist="Using ensembles with small Gaussian noise on the training data results "
        "in the best defense mechanism against adversarial attacks.",
        cifar10="adding small Gaussian noise on the training data performs best on "
        "adversarial perturbations",
        methods=NOISE_AND_OTHERS,
    ),
    Claim(
        "Clean: all others above Gauss Noise",
        worse_when_clean,
        mnist="adding Gaussian noise to the training data performs worst from all "
        "considered ensemble methods on test data.",
        cifar10="but relatively poor on real test data on CIFAR-10.",
        methods=NOISE_AND_OTHERS,
    ),
    Claim(
        "Clean: the noisy ensemble above all singles",
        ensemble_beats_singles,
        mnist="However, such an ensemble still performs better than all single "
        "classifiers on MNIST.",
        methods=NOISE_AND_OTHERS,
    ),
    Claim(
        "Ensembles with adversarial training above ensembles alone",
        combinations_above_ensembles,
        both="more robust classifiers can be obtained by combining ensemble methods "
        "with other defense mechanisms such as adversarial training",
        section="section 5",
        combined=True,
    ),
    Claim(
        "Adaptive attacks: ensembles above singles",
        ensembles_above_members,
        both="Although having tested only simple attack scenarios, it can be expected "
        "that ensemble methods may improve the robustness against other adversarial "
        "attacks.",
        section="section 5",
        adaptive=True,
    ),
)
