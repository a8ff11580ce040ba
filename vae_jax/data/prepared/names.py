"""Names that messages about data speak of, from rooms that `data` does not import."""

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
"""What `vae-jax data prepare` makes without TensorFlow: the recipes of `vae_jax.prepare`."""
