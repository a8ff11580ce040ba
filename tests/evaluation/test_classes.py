"""Classes that a model tells apart: their probabilities, samples of one, and their agreement with labels."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from vae_jax import latent_classes
from vae_jax.data import Split
from vae_jax.distributions import Categorical, Mixture, Normal, standard_normal
from vae_jax.evaluation import (
    adjusted_rand_index,
    best_assignment_accuracy,
    class_errors,
    cluster_agreement,
    nearest_code_errors,
)
from vae_jax.hierarchy import Group, top_down
from vae_jax.vae import VAE, Model

LABELS = np.random.default_rng(0).integers(0, 4, 200)
CLUSTERS = np.where(
    np.random.default_rng(1).random(200) < 0.7, 3 - LABELS, np.random.default_rng(2).integers(0, 5, 200)
)


def test_the_best_assignment_is_the_best_of_all():
    accuracies = [np.mean(np.array(labels)[CLUSTERS] == LABELS) for labels in itertools.permutations([*range(4), -1])]
    assert best_assignment_accuracy(CLUSTERS, LABELS) == pytest.approx(max(accuracies))
    assert best_assignment_accuracy(LABELS, CLUSTERS) == pytest.approx(max(accuracies))


@pytest.mark.parametrize(
    ("a", "b"), [(CLUSTERS, LABELS), (LABELS[::-1], LABELS), (0 * LABELS, LABELS), (0 * LABELS, 0 * LABELS)]
)
def test_the_index_is_that_of_scikit_learn(a, b):
    assert adjusted_rand_index(a, b) == pytest.approx(adjusted_rand_score(a, b), abs=1e-12)


CENTRES = jnp.array([[-2.0], [0.0], [2.0]])
MIXTURE = Mixture(jnp.log(jnp.array([0.2, 0.3, 0.5])), Normal(CENTRES, jnp.full((3, 1), 0.5)))
FLAT = VAE(lambda x: Normal(x, jnp.ones(1)), lambda z: Normal(z, jnp.ones(1)), MIXTURE)
HIERARCHY = top_down(
    {
        "class": Group(
            lambda params, above: Categorical(jnp.zeros(3)),
            lambda params, above, x: Categorical(-jnp.square(x - CENTRES[:, 0])),
            lambda params, above, label: label @ CENTRES,
        ),
        "code": Group(
            lambda params, loc: Normal(loc, jnp.full(1, 0.1)),
            lambda params, loc, x: Normal(loc, jnp.full(1, 0.1)),
            lambda params, loc, z: z,
        ),
    },
    start=lambda params: (),
    features=lambda params, x: x,
    read=lambda params, z: Normal(z, jnp.ones(1)),
)(())


def test_the_classes_of_a_mixture_add_up_to_it():
    z = jnp.array([0.7])
    each = jnp.stack([latent_classes.of_class(FLAT, number).prior.log_prob(z) for number in range(3)])
    np.testing.assert_allclose(jnp.array([0.2, 0.3, 0.5]) @ jnp.exp(each), jnp.exp(MIXTURE.log_prob(z)), rtol=1e-5)
    joint = np.array([0.2, 0.3, 0.5]) * np.exp(np.asarray(each))
    np.testing.assert_allclose(latent_classes.class_probabilities(FLAT, z), joint / joint.sum(), rtol=1e-5)


def test_a_class_of_a_hierarchy_is_its_top_group():
    vae = latent_classes.of_class(HIERARCHY, 2)
    z = jax.jit(jax.vmap(lambda key: vae.prior.sample(key)))(jax.random.split(jax.random.key(0), 50))
    np.testing.assert_array_equal(z["class"], np.tile(np.eye(3)[2], (50, 1)))
    np.testing.assert_allclose(z["code"], 2.0, atol=0.6)
    x = jnp.array([1.9])
    expected = jax.nn.softmax(-jnp.square(x - CENTRES[:, 0]))
    np.testing.assert_allclose(latent_classes.class_probabilities(HIERARCHY, x), expected, rtol=1e-5)


def test_a_model_without_classes_is_refused():
    plain = FLAT._replace(prior=standard_normal(1))
    assert latent_classes.num_classes(plain) is None
    with pytest.raises(TypeError, match=r"expected a model with latent classes, .*; got a prior of family Normal"):
        latent_classes.of_class(plain, 0)


@pytest.mark.parametrize("vae", [FLAT, HIERARCHY], ids=["mixture", "hierarchy"])
def test_measures_of_a_split(vae):
    """Of examples near the centres: two of class 0, one of class 1, and one of class 2 that is labelled 0."""
    model, transform = Model(lambda key: (), lambda params: vae), lambda key, stored: stored / 2
    split = Split(np.array([[-4.0], [-4.2], [0.1], [4.0]]), np.array([0, 0, 1, 0]))
    assert class_errors(model, transform, split)(())["error"] == pytest.approx(0.25)
    agreement = cluster_agreement(model, transform, split)(())
    assert agreement["accuracy"] == pytest.approx(0.75)
    assert agreement["adjusted_rand_index"] == pytest.approx(adjusted_rand_score([0, 0, 1, 2], [0, 0, 1, 0]))
    with pytest.raises(ValueError, match="expected a split with labels; got none"):
        class_errors(model, transform, Split(split.examples, None))(())


def test_the_nearest_code_labels_an_example():
    model = Model(lambda key: (), lambda params: FLAT)
    labelled = {"x": jnp.array([[-1.0], [5.0]]), "label": jnp.eye(2)[::-1]}
    split = Split(np.array([[1.9], [2.1], [-9.0]]), np.array([1, 1, 1]))
    errors = nearest_code_errors(model, lambda key, stored: stored, labelled, split)
    assert errors(())["error"] == pytest.approx(1 / 3)
