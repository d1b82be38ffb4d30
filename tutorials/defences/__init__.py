"""Defences beside ensembles, each with the forward pass of its adaptive attack.

A defence is a class. An evaluation asks only for its `predict_proba(x)`. Its
`forward(x)` is the forward pass that an adversary who knows the defence differentiates,
and returns (z, back) as in `attacks.forwards`. The adaptive attack climbs
`loss_of(defence.forward, loss)`.

    distilled.py   a student of soft labels    a margin of the logits
    denoised.py    an autoencoder in front     through the autoencoder
    detector.py    a second head rejects       head and classifier at once

`python -m tutorials.defences run table report` trains them at full size, beside plain,
boosted, Bayesian and adversarially trained ensembles, and attacks each of them.
"""
