"""How many of the paper's own networks, with a ReLU on the logits, start to learn?"""
