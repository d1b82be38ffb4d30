# %% [markdown]
# # 5. Training the paper's network
#
# This chapter puts all the pieces together. The network of the paper's Table 1 learns
# real digits, from random weights to an accuracy of nine tenths, in the time you need
# to read this page.
#
# **You will** build and train the network, see what a learning rate does, watch a
# network memorise its training images, and look at the filters that it has learned.

# %%
import numpy as np

import minidl
from minidl import SGD, Adam, Dropout, Sequential, mnist_cnn, train
from minidl.data import load_mnist_sample
from minidl.kernels import reference
from minidl.training import descend, train_epoch
from tutorials.drag import drag
from tutorials.exercises import check, hint
from tutorials.panels import maps
from tutorials.show import image, new_figure, picture, source, table

data = load_mnist_sample()
print("training images", data.x_train.shape, data.x_train.dtype)
print("test images    ", data.x_test.shape)

# %% [markdown]
# ## The network
#
# Table 1 of the paper, row by row:

# %%
source(mnist_cnn)

# %%
model = mnist_cnn(np.random.default_rng(0))
minidl.summary(model)

# %% [markdown]
# **What to notice.** Nearly all parameters are in the first fully connected layer,
# which has 128 weights for each of its 4,608 inputs. The convolutions do most of the
# work with few parameters, because they use the same filter at every place.
#
# ## The loop
#
# An *epoch* goes through all images once, in random order, one *batch* at a time. Each
# batch takes a forward pass, the loss, a backward pass and a step:

# %%
source(train_epoch, descend)

# %% [markdown]
# ## The step
#
# Plain gradient descent takes $p \leftarrow p - \eta\, g$, where $p$ is a parameter and
# $g = \partial J/\partial p$. **Adam** gives each parameter its own rate, which depends
# on the size of its past gradients:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad
#   v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \qquad
#   p \leftarrow p - \eta\, \frac{\hat m}{\sqrt{\hat v} + \epsilon}.$$
#
# $m$ and $v$ start at 0 and are too small at first, which $\hat m = m / (1 -
# \beta_1^t)$ and $\hat v = v / (1 - \beta_2^t)$ correct.

# %%
source(Adam.update, reference.adam_step)

# %% [markdown]
# ## Training

# %%
rng = np.random.default_rng(0)
optimizer = Adam(model.params)
scores = [minidl.accuracy(model, data.x_test, data.y_test)]
history = [[p.data.copy() for p in model.params]]


def after_epoch(epoch, loss):
    history.append([p.data.copy() for p in model.params])
    scores.append(minidl.accuracy(model, data.x_test, data.y_test))
    print(f"epoch {epoch}: mean J {loss:.3f}, test accuracy {scores[-1]:.3f}")


losses = train(
    model,
    data.x_train,
    data.y_train,
    optimizer,
    epochs=5,
    batch_size=32,
    rng=rng,
    callbacks=[after_epoch],
)

# %%
figure, (left, right) = new_figure(2, width=8, height=3.2)
left.plot(range(1, len(losses) + 1), losses, "o-", color="#d55e00")
left.set(xlabel="epoch", ylabel="mean J", title="cost on the training images")
left.set_xticks(range(1, len(losses) + 1))
right.plot(scores, "o-", color="#0072b2")
right.axhline(0.1, color="#888", lw=1, ls=":")
right.set(xlabel="epoch", ylabel="accuracy", title="accuracy on the test images")
right.set_ylim(0, 1)
picture(
    figure,
    "Left: the mean cost falls steeply at first and slowly afterwards. Right: accuracy "
    "jumps from guessing, one tenth, to above nine tenths in one epoch.",
)

# %% [markdown]
# **What to notice.** The first epoch does most of the work. The paper trains for ten
# epochs on 60,000 images and reaches 0.991; this network trains on 4,000.
#
# ## Too fast, too slow
#
# No other setting matters as much as the learning rate $\eta$. Here is plain gradient
# descent on 1,000 images with four rates:

# %%
x, y = data.x_train[:1000], data.y_train[:1000]
figure, (panel,) = new_figure(width=6.5, height=3.4)
for rate, colour in (
    (0.001, "#999"),
    (0.01, "#56b4e9"),
    (0.1, "#0072b2"),
    (1.0, "#d55e00"),
):
    order = np.random.default_rng(1)
    trial = mnist_cnn(order)
    costs = []
    for _ in range(3):
        cost = train_epoch(trial, x, y, SGD(trial.params, rate), 32, order)
        costs.append(cost if np.isfinite(cost) else np.nan)
    panel.plot(range(1, 4), costs, "o-", color=colour, label=f"lr = {rate:g}")
panel.axhline(np.log(10), color="#888", lw=1, ls=":")
panel.set(xlabel="epoch", ylabel="mean J", xticks=[1, 2, 3], ylim=(0, 2.5))
panel.legend(frameon=False, loc="lower left")
picture(
    figure,
    "The mean cost of three epochs for four learning rates: the smallest and the "
    "largest stay at the cost of guessing, the second begins to fall, the third falls "
    "far.",
)

# %% [markdown]
# **What to notice.** The dotted line is $\log 10$, the cost of guessing. The smallest
# rate is still at this line after three epochs, and a rate ten times larger has only
# begun to move. The largest rate stays there for a different reason: its steps throw
# the weights so far that the network learns nothing.
#
# ## Memorising
#
# With few images, a network can memorise each of them. Dropout makes memorising harder.
# Each batch trains with a random half of the last hidden units, so that no unit can
# rely on another.
# Compare two networks on 300 images, with and without dropout:

# %%
few, labels = data.x_train[:300], data.y_train[:300]


def without_dropout(model):
    layers = [layer for layer in model.layers if not isinstance(layer, Dropout)]
    return Sequential(layers, model.input_shape)


rows = []
for name, change in (
    ("with dropout", lambda m: m),
    ("without dropout", without_dropout),
):
    trial = change(mnist_cnn(np.random.default_rng(2)))
    train(trial, few, labels, Adam(trial.params), 15, 32, np.random.default_rng(2))
    rows.append(
        (
            name,
            minidl.accuracy(trial, few, labels),
            minidl.accuracy(trial, data.x_test, data.y_test),
        )
    )
table(("", "on its 300 images", "on test images"), rows)

# %% [markdown]
# **What to notice.** Both networks classify their training images almost perfectly, and
# test images much less well. A test set measures this gap. With dropout it is a little
# smaller.
#
# ## What do the filters look for?
#
# The filters of the first layer are small images, and its outputs show where each
# filter matches. Here are the six with the strongest response among those whose weights
# nearly cancel, which respond to differences (many of the others thicken or smooth the
# strokes):

# %%
W = model.params[0].data  # of the first layer: (3, 3, 1, 32)
digit = data.x_test[:1].astype(np.float32) / 255
out = np.maximum(model.layers[0].forward(digit), 0)  # (1, 26, 26, 32)
balance = abs(W.sum(axis=(0, 1, 2))) / abs(W).sum(axis=(0, 1, 2))  # 0: they cancel
strength = np.where(balance < 0.35, out[0].sum(axis=(0, 1)), 0)
strongest = strength.argsort()[::-1][:6]
brightest = out[0, :, :, strongest].max()
figure, axes = new_figure(7, 2, width=9, height=3)
image(axes[0], digit[0], "x")
axes[7].axis("off")
for i, f in enumerate(strongest, start=1):
    image(axes[i], W[:, :, 0, f], f"filter {f}", signed=True)
    image(axes[7 + i], out[0, :, :, f] / brightest)
picture(
    figure,
    "A digit, six three by three filters of the first layer in red and blue, and below "
    "each the places where it responds: along different edges of the stroke.",
)

# %% [markdown]
# **What to notice.** The network has learned to detect edges, although no one
# programmed it to. Different filters respond to different sides of the strokes.
#
# ## Watch it learn
#
# Go back and forward through the epochs. All 32 maps of the second convolution are
# shown for one digit, and what the network says.


# %%
past = mnist_cnn(np.random.default_rng(0))


def learning(figure, epoch=5, digit=7):
    for p, then in zip(past.params, history[epoch], strict=True):
        p.data[:] = then
    n = int(np.flatnonzero(data.y_test == digit)[0])
    steps = list(minidl.trace(past, data.x_test[n : n + 1].astype(np.float32) / 255))
    p = past.predict_proba(steps[0].input)[0]
    out = steps[3].output[0]  # (24, 24, 32), after the second ReLU
    axes = figure.subplots(1, 3, width_ratios=(1, 1.4, 2))
    image(axes[0], steps[0].input[0], f"after epoch {epoch}: {p.argmax()}")
    axes[1].bar(range(10), p, color="#0072b2")
    axes[1].set(xticks=range(10), ylim=(0, 1), title="probability")
    image(axes[2], maps(out) / out.max(), steps[3].name)


drag(
    learning,
    "A digit, the probabilities of the ten classes, and 32 maps, after 0, 3 and 5 "
    "epochs: at first all classes are about equally likely, then one is certain.",
    size=(9, 2.6),
    epoch=list(range(6)),
    digit=list(range(10)),
)

# %% [markdown]
# ## Your turn
#
# **5.1** Gradient descent with *momentum* $\mu$ has a velocity $v$, a fading sum of all
# gradients so far: $v \leftarrow \mu v + g$, then $p \leftarrow p - \eta v$. Return the
# new p and v.


# %%
def momentum_step(p, g, v, lr, momentum):
    return ...


check(momentum_step)

# %% [markdown]
# **5.2** Adam, with $\eta = 0.001$, $\beta_1 = 0.9$, $\beta_2 = 0.999$, $\epsilon =
# 10^{-8}$. Return the new p, m and v; t is 1 at the first step.


# %%
def adam_step(p, g, m, v, t):
    return ...


check(adam_step)

# %% [markdown]
# **5.3** The accuracy of logits z (N, K) for labels y (N,).


# %%
def accuracy(z, y):
    return ...


check(accuracy)

# %% [markdown]
# **Next:** the same gradient turned against the network, in
# [chapter 6](06_the_input_gradient_and_fgsm.ipynb).
