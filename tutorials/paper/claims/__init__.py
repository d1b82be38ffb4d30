"""The paper's claims: its sentences, what they compare, what our numbers say."""
