"""Right answers to the exercises in plain NumPy, as a learner may write them."""
