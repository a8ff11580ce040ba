"""Estimators of the gradient of a bound."""
