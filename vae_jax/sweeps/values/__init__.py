"""The values of swept fields: axes, points on them, trials."""
