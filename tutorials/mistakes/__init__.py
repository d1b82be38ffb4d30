"""Usual wrong answers to the exercises, under the sentences that name them."""
