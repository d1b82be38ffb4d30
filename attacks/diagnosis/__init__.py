"""Why an attack failed: faults of its gradient, and of the attack along it."""

from attacks.diagnosis.diagnostics import diagnose, report

__all__ = ["diagnose", "report"]
