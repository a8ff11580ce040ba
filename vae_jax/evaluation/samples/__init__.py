"""The distance of samples from data, as functions of features: (num, size), of whatever network you have.

A number holds for its features, its numbers of examples and its splits alone: state them with it. The features of
published numbers are those of one network of one file, and pictures resized in one way.
"""
