"""Disentanglement: whether single dimensions of codes stand for single factors that made the data.

Every score is a function of (codes, factors) alone: codes of examples, (num, latent), and the factors that made them,
(num, factor), as numbers of their values. Conventions are those of disentanglement_lib (Locatello et al. 2019,
arXiv:1811.12359), and each departure is named.
"""
