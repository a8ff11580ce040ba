"""Conditional models, and the models that infer what those are told."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.data import Dataset, as_condition, few_labels
from vae_jax.models import apart, conditional, gaussian, likelihoods, m1_m2, with_latent_class
from vae_jax.networks import joined, mlp, of_first
from vae_jax.objectives import elbo, over_batch, semi_supervised, side_by_side
from vae_jax.vae import draw_at

KEY, X, LABELS = jax.random.key(0), jnp.linspace(0.0, 1.0, 6), jnp.eye(3)
TOLD = conditional(
    joined(mlp((5 + 3,), (4,), (7,)), first=mlp((6,), (5,), ())),
    joined(mlp((2 + 3,), (6,), (7,))),
    likelihoods.bernoulli(),
    latent_size=2,
    prior=mlp((3,), (4,), ()),
)


@jax.jit
def under_each_label(params):
    """The means of encoder, decoder and prior under every label."""

    def of_one(label):
        vae = TOLD.bind(params).given(label)
        return vae.posterior(X).loc, vae.likelihood(jnp.ones(2)).logits, vae.prior.loc

    return jax.vmap(of_one)(LABELS)


def test_all_three_distributions_are_told_the_condition():
    for means in under_each_label(TOLD.init(KEY)):
        assert np.abs(np.diff(means, axis=0)).max(axis=1).min() > 1e-3


def test_a_network_of_a_pair_is_that_of_both_behind_one_another():
    plain, first = mlp((9,), (4,), (7,)), mlp((5,), (6,), ())
    pair = joined(plain, first=first)
    params, a, b = pair.init(KEY), jnp.arange(5.0), jnp.ones(3)
    expected = plain.apply(params["joined"], jnp.concatenate([first.apply(params["first"], a), b]))
    np.testing.assert_allclose(pair.apply(params, (a, b)), expected, rtol=1e-6)
    alone = of_first(first)
    np.testing.assert_array_equal(alone.apply(params["first"], (a, b)), first.apply(params["first"], a))


def test_given_its_class_a_latent_class_model_is_the_conditional_one():
    model = with_latent_class(TOLD, mlp((6,), (3,), ()), num_classes=3)
    params = model.init(KEY)

    @jax.jit
    def both(params):
        z = {"class": LABELS[1], "code": jnp.array([0.3, -0.7])}
        vae, told = model.bind(params), TOLD.bind(params["model"]).given(LABELS[1])
        one = draw_at(z, vae.posterior(X), vae)
        found = (one.likelihood.log_prob(X), one.prior.log_prob(z), one.posterior.log_prob(z))
        expected = (
            told.likelihood(z["code"]).log_prob(X),
            told.prior.log_prob(z["code"]) - jnp.log(3),
            told.posterior(X).log_prob(z["code"]) + one.posterior.parts["class"].log_prob(LABELS[1]),
        )
        return found, expected

    np.testing.assert_allclose(*both(params), rtol=1e-5)


def test_m2_moves_nothing_of_m1_and_each_learns():
    """The gradient in M1's parameters is that of its own bound."""
    m1 = gaussian(mlp((6,), (4,), (8,)), mlp((2,), (6,), (8,)), likelihoods.bernoulli(), latent_size=2)
    encoder, decoder = joined(mlp((2 + 3,), (2,), ())), joined(mlp((1 + 3,), (4,), ()))
    model = m1_m2(m1, mlp((2,), (3,), ()), encoder, decoder, num_classes=3, latent_size=1)
    pair, params = apart(m1, model), model.init(KEY)
    labelled = {"x": X[None], "label": LABELS[:1]}
    objective = side_by_side(elbo, semi_supervised(lambda: labelled, lambda key, stored: stored, share=1.0))
    batch = jnp.stack([X, 1 - X])

    @jax.jit
    def gradients(params):
        of_both = lambda params: objective.apply(KEY, pair.bind(params), batch, 0, labelled)[0].mean()
        of_m1 = lambda params: over_batch(elbo)(KEY, m1.bind(params), batch, 0)[0].mean()
        return jax.grad(of_both)(params), jax.grad(of_m1)(params["m1"])

    both, alone = gradients(params)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), both["m1"], alone)
    for name in ("classifier", "encoder", "decoder"):
        assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(both[name])) > 1e-4, name


IMAGES, OWN = (
    np.arange(60)[:, None],
    Dataset("own", "numbers", {"train": (np.arange(60)[:, None], np.arange(60) % 3)}, 59),
)


def test_labels_are_drawn_class_by_class_without_replacement_and_by_a_traced_seed_alike():
    plain = few_labels(OWN, 12, 5)
    rows = np.asarray(plain["x"])[:, 0]
    assert len(set(rows)) == 12
    np.testing.assert_array_equal(rows % 3, np.repeat([0, 1, 2], 4))
    np.testing.assert_array_equal(plain["label"].argmax(axis=1), rows % 3)
    traced = jax.jit(lambda seed: few_labels(OWN, 12, seed))(jnp.int32(5))
    jax.tree.map(np.testing.assert_array_equal, plain, traced)
    assert set(rows) != set(np.asarray(few_labels(OWN, 12, 6)["x"])[:, 0])


def test_a_condition_is_one_hot_where_it_is_a_whole_number_and_standardised_elsewhere():
    """Classes are those of every split; a vector of whole numbers is numbers."""
    seen = lambda rows, row: as_condition(Dataset("c", "", rows, 1)).apply(KEY, row)
    labels = {"train": (np.array([0, 1, 1]), None), "test": (np.array([2]), None)}
    np.testing.assert_array_equal(seen(labels, np.int32(1)), [0.0, 1.0, 0.0])
    np.testing.assert_allclose(seen({"train": (np.array([1.0, 3.0]), None)}, 5.0), 3.0)
    pairs = np.array([[1, 5], [3, 5]])
    np.testing.assert_allclose(seen({"train": (pairs, None)}, pairs[1]), [1.0, 0.0])


@pytest.mark.parametrize(
    ("data", "num", "words"),
    [
        (OWN, 10, r"as many labels of each of the 3 classes of own; got num_labels 10; use 9"),
        (OWN, 63, r"expected 21 training examples of class 0 in own; got 20; use fewer labels"),
        (Dataset("bare", "", {"train": (IMAGES, None)}, 59), 3, r"expected labels of classes in bare; got none; name"),
    ],
)
def test_labels_that_cannot_be_drawn_are_refused(data, num, words):
    with pytest.raises(ValueError, match=words):
        few_labels(data, num, 0)
