"""Why an attack failed: what is wrong with a gradient, or with an attack along it."""

from attacks.diagnosis.diagnostics import diagnose, report

__all__ = ["diagnose", "report"]
