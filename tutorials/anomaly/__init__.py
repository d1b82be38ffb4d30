"""Is attacking the whole ensemble weaker? The paper's surprise, tested.

Under the basic iterative method the paper finds an attack on the sum of all gradients
(Adv. 2) *weaker* than an attack on a single member (Adv. 1). It supposes that the
members' gradients block each other. Each experiment is one command; see `__main__`.
"""
