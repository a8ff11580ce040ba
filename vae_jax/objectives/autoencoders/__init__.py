"""Objectives of autoencoders: plain, denoising, contractive, regularised, adversarial."""
