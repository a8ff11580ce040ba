"""The data sets that are made without TensorFlow, by name.

URLs, sizes and checksums are those of tensorflow-datasets 4.9.10 and scikit-learn, where they have them.
"""

from vae_jax.prepare.recipes.binarized_mnist import BINARIZED_MNIST
from vae_jax.prepare.recipes.cifar10 import CIFAR10
from vae_jax.prepare.recipes.dsprites import DSPRITES
from vae_jax.prepare.recipes.mnist import FASHION_MNIST, KMNIST, MNIST
from vae_jax.prepare.recipes.omniglot import OMNIGLOT_28
from vae_jax.prepare.recipes.photographs import CELEB_A, LFW
from vae_jax.prepare.recipes.small_faces import FREY_FACES, OLIVETTI_FACES
from vae_jax.prepare.recipes.svhn import SVHN_CROPPED

RECIPES = {
    recipe.name: recipe
    for recipe in (
        MNIST,
        FASHION_MNIST,
        KMNIST,
        BINARIZED_MNIST,
        OMNIGLOT_28,
        CIFAR10,
        SVHN_CROPPED,
        FREY_FACES,
        OLIVETTI_FACES,
        LFW,
        CELEB_A,
        DSPRITES,
    )
}
