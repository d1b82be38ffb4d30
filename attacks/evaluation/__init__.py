"""Does a classifier withstand attacks? Robust accuracy, curves, transfer, costs."""
