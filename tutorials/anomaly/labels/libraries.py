"""Which functions of 2017 took their labels from predictions, from public source."""

from tutorials.anomaly.labels.readings import BY_LIBRARY, SUSPECT
from tutorials.paper.pages.markdown import Table, page

HEAD = """## Which functions of 2017 took labels from predictions?

The code of the paper's authors isn't known. The paper is from September 2017. The table
shows what two libraries did until then, by their public histories."""
ROWS = (
    (
        "[cleverhans 1.0.0][1], November 2016: `fgsm(x, predictions, eps)`",
        "the prediction that is passed in; labels can't be passed",
        "at each call; there is no iterative method",
    ),
    (
        "[cleverhans in development][7], 14 to 28 March 2017, in no release: "
        "`BasicIterativeMethod`",
        "the prediction, unless a label is given",
        "at every step",
    ),
    (
        "[cleverhans][2], since May 2017: `fgm(x, preds, y=None)`, "
        "`FastGradientMethod`",
        "the prediction, unless a label is given",
        "at each call",
    ),
    (
        "[cleverhans][2], since May 2017: `BasicIterativeMethod`",
        "the prediction; since [August][3] a label, if one is given",
        "once, before the loop",
    ),
    (
        "[Foolbox 0.8.0][4], July 2017: `GradientSignAttack`, "
        "`IterativeGradientSignAttack`",
        "the label, which must be given",
        "once",
    ),
)
TEXT = f"""Taking the prediction was recommended. The documentation of cleverhans says
that it avoids *label leaking*, which [Kurakin et al.][5] found in training on attacks
that know the true label. In a single step the prediction changes hardly anything, as
long as most images are classified correctly. A loop of several steps is different.
Users of cleverhans 1.0.0 had to write BIM's loop themselves, around the one-step
function. At every step this function takes the label anew, and with several networks
each network's function takes its own. The library's own iterative method did the same
in its first two weeks, before it was released. Then the label was fixed inside the
loop, and later [before it][6], as in all releases.

So if the authors attacked one network with a released library's BIM, and several
networks with a loop of their own that sums one-step gradients, Adv. 2 follows each
member's current prediction. Adv. 1 then has the true label where it was given (reading
{SUSPECT}), and by default each member's first prediction (reading {BY_LIBRARY}). Both
can be measured. Neither is a fact about the authors.

[1]: https://github.com/cleverhans-lab/cleverhans/blob/v1.0.0/cleverhans/attacks.py
[2]: https://github.com/cleverhans-lab/cleverhans/blob/v2.0.0/cleverhans/attacks.py
[3]: https://github.com/cleverhans-lab/cleverhans/commit/58632252bb12455658f205fa916a59f9b1e7aaaf
[4]: https://github.com/bethgelab/foolbox/blob/v0.8.0/foolbox/attacks/gradientsign.py
[5]: https://arxiv.org/abs/1611.01236
[6]: https://github.com/cleverhans-lab/cleverhans/commit/dd6b8b052d37092ddf818f8cf6d1325a9ff30e97
[7]: https://github.com/cleverhans-lab/cleverhans/commit/fa6f1e3219ed1f985d447dd781dbeabccc646e2b"""
TABLE = Table(["function", "whose label", "when it is taken"], ROWS, words=3)
LIBRARIES = page(HEAD, TABLE.markdown(), TEXT)
