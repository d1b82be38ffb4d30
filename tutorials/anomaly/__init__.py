"""Why is an ensemble attacked as a whole harder to fool? The paper's surprise, tested.

Under the basic iterative method the paper finds an attack on the sum of all gradients
(Adv. 2) *weaker* than one on a single member (Adv. 1), and supposes that the members'
gradients block each other. Each experiment here is one command; see `__main__`.
"""
