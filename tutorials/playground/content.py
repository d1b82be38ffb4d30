"""The page's lists: chapters, locks, the values of a link, and the code shown."""

from collections.abc import Iterable

# The address of a chapter; {} is the file's name without its suffix.
ADDRESS = "tutorials/notebooks/{}.ipynb"
CHAPTERS = {
    "06_the_input_gradient_and_fgsm": "6. One step that fools a network",
    "07_bim_and_clipping": "7. Many small steps",
    "08_ensembles": "8. Ensembles",
    "09_attacking_ensembles": "9. Attacking an ensemble",
    "13_why_did_my_attack_fail": "13. Why did my attack fail?",
}
LAYERS = ("image", "convolution 1", "convolution 2", "pooling", "hidden", "logits")
LOCKS = {
    "level": "the level",
    "digit": "the digit",
    "eps": "eps",
    "rule": "the attack",
    "steps": "its steps",
    "whose": "whose gradient",
    "net": "the committee",
    "on": "its networks",
    "defence": "the defence",
}
SIX = "({0})?(,({0})?){{5}}"  # one for each level


def some(names: Iterable[str]) -> str:
    """Return the pattern of a list of names, with commas."""
    return f"(({'|'.join(names)})(,(?!$)|$))*"


# The parts of a link, each with its value at the start and the pattern of all values.
LINK = {
    "level": ("0", "[0-6]"),
    "digit": ("", r"[12]?\d|3\d|drawn"),
    "drawn": ("", "([0-9a-f]{784})?"),
    "label": ("", r"\d?"),
    "net": ("plain", "plain|noise"),
    "eps": ("", r"[12]?\d|30"),  # in hundredths
    "steps": ("8", r"[1-9]|1\d|20"),
    "rule": ("bim", "fgsm|bim"),
    "whose": ("sum", r"\d|sum|own"),
    "on": ("1" * 10, "(?=.*1)[01]{10}"),
    "defence": ("none", "none|bits|mask"),
    "flaw": ("", "(eps|robust|random|mask)?"),
    "step": ("", r"(\d|1\d|20)?"),
    "tiles": ("votes", "votes|gradients"),
    "member": ("0", r"\d"),
    "layer": ("1", "[0-5]"),
    "guess": (",,,,,", SIX.format(r"10|\d")),
    "best": (",,,,,", SIX.format(r"[12]?\d|30")),
    "open": ("", some(("digits", "inside", "code-card"))),
    "lock": ("", some(LOCKS)),
}
# The Python code of the page: each line, and the condition under which it is shown.
CODE = (
    ("import numpy as np\n", ""),
    ("from attacks import {attack}, {rule}", ""),
    ("from ensembles import Ensemble", ""),
    ("from minidl import kernels", ""),
    ("from tutorials.playground import committee, image", "image"),
    ("from tutorials.playground import committee, drawing", "paper"),
    ("from tutorials.playground import mask", "mask"),
    ("from tutorials.playground import rounded", "bits"),
    ("", ""),
    ('networks = committee("{net}")', ""),
    ("networks = [mask(network) for network in networks]", "blind"),
    ("members = networks", "all"),
    ("members = [networks[i] for i in {on}]", "some"),
    ("x = image({digit})", "image"),
    ('x = drawing("{drawn}")', "paper"),
    ("y = np.array([{y}])\n", ""),
    ("gradient = {rule}({of})", ""),
    ('with kernels.use("reference"):  # rounding decides no ties, as in the page', ""),
    ("    x_adv = fgsm(gradient, x, y, eps={eps})", "fgsm"),
    (
        "    x_adv = bim(gradient, x, y, {eps}, alpha={eps} / {steps}, steps={steps})",
        "bim",
    ),
    ("x_adv = rounded(x_adv, x, {eps})", "bits"),
    ("members = [mask(member) for member in members]", "cured"),
    ("print(Ensemble(members).predict(x_adv))", ""),
)
