"""The paper, end to end: `python -m tutorials.paper run table2 figures report`."""
