"""Names that messages about data mention, from packages that `data` does not import."""

CAN_BE_PREPARED = (
    "mnist",
    "fashion_mnist",
    "kmnist",
    "binarized_mnist",
    "omniglot_28",
    "cifar10",
    "svhn_cropped",
    "frey_faces",
    "olivetti_faces",
    "lfw",
    "celeb_a",
    "dsprites",
)
"""The data sets that `vae-jax data prepare` makes without TensorFlow: the recipes of `vae_jax.prepare`."""
