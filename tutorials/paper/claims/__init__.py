"""The paper's claims: its sentences, the comparisons behind them, our verdicts."""
