# %% [markdown]
# # 6. The input gradient, and one step that fools a network
#
# Training asks how the *weights* must change to make *J* fall. An attack asks how the
# *image* must change to make *J* grow. The answer is the same backward pass, one layer
# further.
#
# **You will** look at the gradient of an image, fool a network with a change that
# leaves the digit readable to us, and follow an image through all layers and back.

# %%
import numpy as np

from attacks import Threat, fgsm, forwards, input_gradient, model_gradient
from attacks.norms import Linf
from attacks.victims import loss_of
from minidl import trace
from minidl.data import load_mnist_sample
from minidl.losses import cross_entropy
from tutorials.drag import drag
from tutorials.exercises import check, hint
from tutorials.panels import maps
from tutorials.show import image, new_figure, picture, source, table, walk
from tutorials.trained import network

data = load_mnist_sample()
x = data.x_test.astype(np.float32) / 255
y = data.y_test
model = network()  # a small twin of Table 1's, which comes with the package
print(f"accuracy on the test images: {(model.predict(x) == y).mean():.1%}")

# %% [markdown]
# ## The gradient of an image
#
# $$\nabla_x J(\theta, x, y)$$
#
# has the shape of the image. It says for each pixel how fast *J* grows if the pixel
# gets brighter. It takes a forward pass, the loss, and a backward pass without the
# parameters' gradients:

# %%
source(input_gradient, loss_of, forwards.network, cross_entropy)

# %%
n = 0
g = input_gradient(model, x[n : n + 1], y[n : n + 1])[0]
x_adv = fgsm(model_gradient(model), x[n : n + 1], y[n : n + 1], eps=0.25)
before, after = model.predict_proba(x[n : n + 1])[0], model.predict_proba(x_adv)[0]
figure, axes = new_figure(4, width=8, height=2.5)
image(axes[0], x[n], f"x, classified\nas {before.argmax()}, p = {before.max():.2f}")
image(axes[1], g, "its gradient g", signed=True)
image(axes[2], np.sign(g), "sign(g)", signed=True)
image(
    axes[3],
    x_adv[0],
    f"x_adv, classified\nas {after.argmax()}, p = {after.max():.2f}",
)
picture(
    figure,
    "A digit; its gradient, strongest in and around the strokes; the gradient's sign, "
    "a pattern over most of the image; and the digit after the step, with grey patches "
    "around it, still readable to us, but misclassified by the network.",
)

# %% [markdown]
# **What to notice.** The gradient lies in and around the stroke, where a pixel can make
# one digit look like another. Its *sign* discards its size, so all pixels move by the
# same amount. Pixels in the corners don't move, because no active feature sees them and
# their gradient is exactly zero. In the last picture, black pixels that would have to
# get darker stay black.
#
# ## Why the sign?
#
# Near *x*, *J* is almost a linear function: $J(x + r) \approx J(x) + \langle g, r
# \rangle$. If no pixel may change by more than $\varepsilon$, the inner product is
# largest if every pixel changes by exactly $\varepsilon$, up where $g > 0$ and down
# where $g < 0$:
#
# $$\max_{|r_i| \le \varepsilon} \langle g, r\rangle = \varepsilon \sum_i |g_i|
#   \quad\text{at}\quad r = \varepsilon\, \mathrm{sign}(g).$$
#
# This is the **fast gradient sign method**:
#
# $$x_{FGSM} = x + \varepsilon\, \mathrm{sign}\, \nabla_x J(\theta, x, y),$$
#
# clipped to $[0, 1]$ so that it stays an image.

# %%
source(fgsm, Threat.step, Linf.direction)

# %% [markdown]
# The image has 784 pixels. A change of 0.1 in each, a faint grey, raises *J* by $0.1
# \sum_i |g_i|$. **Many small pushes in the right direction add up to a large one.** How
# good is the linear approximation?

# %%
gradient = model_gradient(model)


def costs(images, labels):
    return cross_entropy(model.forward(images), labels)[0]


rows = []
for eps in (0.001, 0.01, 0.03, 0.1):
    moved = fgsm(gradient, x[:200], y[:200], eps, bounds=None)
    G = input_gradient(model, x[:200], y[:200])
    predicted = eps * abs(G).sum(axis=(1, 2, 3))
    rows.append(
        (
            f"{eps:g}",
            predicted.mean(),
            (costs(moved, y[:200]) - costs(x[:200], y[:200])).mean(),
        )
    )
table(("eps", "predicted by the gradient", "actual growth of J"), rows)

# %% [markdown]
# **What to notice.** For small steps both agree. For larger ones *J* grows even *more*
# than predicted, because it curves upwards. The less confident the network gets, the
# larger its gradient.
#
# ## How large must eps be?

# %%
many, labels = x[:300], y[:300]
epsilons = np.array([0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
attacked = [
    (model.predict(fgsm(gradient, many, labels, eps)) == labels).mean()
    for eps in epsilons
]
rng = np.random.default_rng(0)
noisy = [
    (
        model.predict(
            np.clip(many + eps * rng.choice([-1, 1], many.shape), 0, 1).astype(
                np.float32
            )
        )
        == labels
    ).mean()
    for eps in epsilons
]
figure, (panel,) = new_figure(width=6.5, height=3.6)
panel.plot(epsilons, noisy, "s-", color="#999", label="random signs")
panel.plot(epsilons, attacked, "o-", color="#d55e00", label="FGSM")
panel.set(xlabel="eps", ylabel="accuracy", ylim=(0, 1))
panel.legend(frameon=False)
picture(
    figure,
    "Accuracy against eps: with random signs it stays high throughout, with the "
    "gradient's signs it falls to a tenth.",
)

# %% [markdown]
# **What to notice.** Both change every pixel by up to the same amount. The *direction*
# of the change fools the network, not its *size*.
#
# ## Ten digits and their perturbations

# %%
chosen = [int(np.flatnonzero(y == digit)[0]) for digit in range(10)]
originals = x[chosen]
adversarial = fgsm(gradient, originals, y[chosen], eps=0.1)
predicted = model.predict(adversarial)
figure, axes = new_figure(10, 3, width=9, height=3.2)
for i in range(10):
    image(axes[i], originals[i], f"{y[chosen][i]}")
    image(axes[10 + i], 0.5 + 10 * (adversarial - originals)[i] / 2)
    image(axes[20 + i], adversarial[i], f"as {predicted[i]}")
picture(
    figure,
    "Ten digits in the first row, in the second what the attack adds, ten times "
    "stronger, and in the third the attacked digits with the classes predicted now.",
)

# %% [markdown]
# **What to notice.** With $\varepsilon = 0.1$ some digits are misclassified and others
# aren't. In black regions pixels can only get brighter, so clipping removes half of the
# pattern.
#
# ## Drag eps
#
# Choose a digit and let $\varepsilon$ grow. (A notebook has controls below the picture;
# a script shows three settings.)


# %%
def one_attack(figure, eps=0.1, digit=3):
    x_n, y_n = originals[[digit]], y[[chosen[digit]]]
    x_adv = fgsm(gradient, x_n, y_n, eps)
    p = model.predict_proba(x_adv)[0]
    axes = figure.subplots(1, 4)
    image(axes[0], gradient(x_n, y_n)[0], "gradient g of x", signed=True)
    image(axes[1], (x_adv - x_n)[0], "what is added", signed=True, limit=0.3)
    image(axes[2], x_adv[0], f"classified as {p.argmax()}")
    axes[3].bar(range(10), p, color="#d55e00")
    axes[3].set(xticks=range(10), ylim=(0, 1), title="probability")


drag(
    one_attack,
    "A digit's gradient, the perturbation, the attacked digit, and the probabilities "
    "of the ten classes: as eps grows, they leave the digit's own class.",
    size=(9, 2.4),
    eps=[0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3],
    digit=list(range(10)),
)

# %% [markdown]
# ## Why the sum over images
#
# In training, *J* is a mean over the batch. If an attack used this mean, the gradient
# of an image would depend on how many images are attacked along with it. The sign in
# FGSM would stay the same, but other attacks would change, and tiny numbers could round
# to zero. The library takes the sum instead. Row *n* is then the gradient of image *n*,
# regardless of the other images in the batch.

# %%
alone = input_gradient(model, x[:1], y[:1])[0]
together = input_gradient(model, x[:64], y[:64])[0]
print(f"largest difference, alone or among 64: {abs(alone - together).max():.1e}")
print(f"largest entry of the gradient:         {abs(alone).max():.1e}")

# %% [markdown]
# ## One image through all layers and back

# %%
walk(model, x[:1], y[:1])

# %% [markdown]
# Read the last column from bottom to top. The gradient starts at the logits, passes
# through all layers, and leaves the first one as $\nabla_x J$.
#
# The next cell shows the same pass as pictures. Step forward through the layers to see
# how each transforms a digit, and back to see how the gradient of *J* returns.


# %%
def one_layer(figure, layer=3, digit=3, eps=0.0):
    x_n, y_n = originals[[digit]], y[[chosen[digit]]]
    x_n = fgsm(gradient, x_n, y_n, eps) if eps else x_n
    step = list(trace(model, x_n, y_n))[layer]
    axes = figure.subplots(1, 3, width_ratios=(1, 2, 2))
    image(axes[0], x_n[0], f"classified as {model.predict(x_n)[0]}")
    image(axes[1], maps(step.output[0]), f"output of {step.name}", signed=True)
    image(axes[2], maps(step.doutput[0]), "dJ/doutput", signed=True)


drag(
    one_layer,
    "A digit, the output of a layer and the gradient there, in red and blue: eight "
    "maps of edges after the first convolution, a row of numbers at the logits.",
    size=(9, 2.4),
    layer=list(range(len(model.layers))),
    digit=list(range(10)),
    eps=[0.0, 0.05, 0.1, 0.15, 0.2],
)

# %% [markdown]
# **What to notice.** The maps of the first convolution are the digit's edges. ReLU sets
# half of the numbers or more to zero, and the gradient in front of it is zero at the
# same places. From the first fully connected layer on there are no maps, only a row of
# numbers.
#
# ## Your turn
#
# **6.1** The input gradient of a linear classifier, $z = xW + b$ with softmax and
# cross-entropy, per image: x (N, D), y (N,), W (D, K), b (K,).


# %%
def linear_input_gradient(x, y, W, b):
    return ...


check(linear_input_gradient)

# %% [markdown]
# **6.2** FGSM for a given gradient; pixels stay in [0, 1].


# %%
def fgsm_step(x, gradient, eps):
    return ...


check(fgsm_step)

# %% [markdown]
# **6.3** How far was each image moved? Return the largest change of a pixel, one number
# per image.


# %%
def largest_change(x_adv, x):
    return ...


check(largest_change)

# %% [markdown]
# **Next:** many small steps instead of a large one, in [chapter
# 7](07_bim_and_clipping.ipynb).
