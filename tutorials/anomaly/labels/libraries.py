"""Which functions of 2017 took their labels from predictions, from public source."""

from tutorials.paper.pages.markdown import Table, page

HEAD = """## Which functions of 2017 took labels from predictions?

The code of the paper's authors isn't known. The paper is from September 2017; this is
what two libraries did until then, as their public histories show it."""
ROWS = (
    (
        "[cleverhans 1.0.0][1], November 2016: `fgsm(x, predictions, eps)`",
        "the prediction that it is given; it has no argument for a label",
        "at each call; it has no iterative method",
    ),
    (
        "[cleverhans][2], since May 2017: `fgm(x, preds, y=None)`, "
        "`FastGradientMethod`",
        "the prediction, unless a label is given",
        "at each call",
    ),
    (
        "[cleverhans][2], since May 2017: `BasicIterativeMethod`",
        "the prediction; since [July][3] also a label that is given",
        "once, before the loop",
    ),
    (
        "[Foolbox 0.8.0][4], July 2017: `GradientSignAttack`, "
        "`IterativeGradientSignAttack`",
        "the label that must be given",
        "once",
    ),
)
TEXT = """Taking the prediction was advice, not a mistake. The documentation of
cleverhans says that it avoids *label leaking*, which [Kurakin et al.][5] found when
they trained on attacks that know the true label. In one step the prediction changes
hardly anything, where most images are classified correctly. But who writes BIM's loop
around such a one-step function, as anybody had to with cleverhans 1.0.0, takes the
label anew at every step. With several networks, each one's function predicts for
itself. The library's own iterative method doesn't do this: while it was being written,
its label was at first fixed inside the loop, and [then before it][6].

So a label that Adv. 1 keeps and Adv. 2 takes anew from each member is what comes out if
a library's BIM attacks one network, and a loop of one's own sums up one-step functions
for several. It is a reading that can be measured, not a fact about the authors.

[1]: https://github.com/cleverhans-lab/cleverhans/blob/v1.0.0/cleverhans/attacks.py
[2]: https://github.com/cleverhans-lab/cleverhans/blob/v2.0.0/cleverhans/attacks.py
[3]: https://github.com/cleverhans-lab/cleverhans/commit/58632252bb12455658f205fa916a59f9b1e7aaaf
[4]: https://github.com/bethgelab/foolbox/blob/v0.8.0/foolbox/attacks/gradientsign.py
[5]: https://arxiv.org/abs/1611.01236
[6]: https://github.com/cleverhans-lab/cleverhans/commit/dd6b8b052d37092ddf818f8cf6d1325a9ff30e97"""
TABLE = Table(["function", "whose label", "when it is taken"], ROWS, words=3)
LIBRARIES = page(HEAD, TABLE.markdown(), TEXT)
