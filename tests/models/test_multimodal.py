"""VAEs of several modalities: what is missing has no say, and the joint model is the product of its parts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal
from tables import named_long_but

from vae_jax import generation
from vae_jax.distributions import (
    Mixture,
    mixture_of_experts,
    mixture_of_products,
    product_of_experts,
    standard_normal,
)
from vae_jax.models import Modality, likelihoods, multimodal
from vae_jax.networks import mlp
from vae_jax.objectives import elbo, over_batch, over_draws, sampled_kl, stratified_elbo
from vae_jax.vae import VAE

KEY = jax.random.key(0)
SIZES = {"a": 3, "b": 2}
X = {"a": jnp.array([0.4, -1.0, 0.3]), "b": jnp.array([0.8, 0.1])}
JOINED = {"product": product_of_experts, "mixture": mixture_of_experts, "products": mixture_of_products}


def linear(joined=product_of_experts):
    """Linear networks and normals of a fixed scale: log p(x) is known for every subset."""
    parts = {
        name: Modality(mlp((size,), (4,), ()), mlp((2,), (size,), ()), likelihoods.gaussian(scale=0.7))
        for name, size in SIZES.items()
    }
    return multimodal(parts, latent_size=2, joined=joined)


def present(*names):
    return {name: jnp.array(name in names) for name in SIZES}


def log_evidences(model, params, *subsets):
    """log p of some modalities, which are normal."""

    @jax.jit
    def offset_and_weight(params):
        vae = model.bind(params).given(present("a", "b"))
        decode = lambda z: vae.likelihood(z).mean()
        return decode(jnp.zeros(2)), jax.jacobian(decode)(jnp.zeros(2))

    offset, weight = jax.tree.map(np.asarray, offset_and_weight(params))
    for names in subsets:
        rows = np.concatenate([weight[name] for name in names]).astype(float)
        normal = multivariate_normal(
            np.concatenate([offset[name] for name in names]), rows @ rows.T + 0.49 * np.eye(len(rows))
        )
        yield normal.logpdf(np.concatenate([X[name] for name in names]))


@pytest.mark.parametrize("joined", named_long_but(JOINED, "mixture"))
def test_the_importance_weights_of_every_subset_have_its_evidence_for_a_mean(joined):
    """What is missing is integrated out; within 4.5 standard errors of 20,000 draws."""
    model = linear(joined)
    params = jax.jit(model.init)(KEY)

    @jax.jit
    def log_weights(params, condition):
        of = lambda draw: draw.likelihood.log_prob(X) - sampled_kl(draw)
        return over_draws(KEY, model.bind(params).given(condition), X, 20_000, of)

    subsets = ("a", "b"), ("a",), ("b",)
    for names, truth in zip(subsets, log_evidences(model, params, *subsets), strict=True):
        weights = np.exp(np.asarray(log_weights(params, present(*names)), float) - truth)
        error = weights.std() / np.sqrt(len(weights))
        assert abs(weights.mean() - 1) < 4.5 * error < 0.2
    np.testing.assert_allclose(log_weights(params, present()), 0.0, atol=1e-5)  # q is the prior, and nothing is seen


@pytest.mark.parametrize("joined", named_long_but(JOINED, "mixture"))
def test_what_is_missing_does_not_matter(joined):
    """Neither for value nor gradient, were it NaN; and its networks have no gradient."""
    model, bound = linear(joined), elbo if joined is product_of_experts else stratified_elbo
    params = model.init(KEY)

    @jax.jit
    def of(params, x):
        return jax.value_and_grad(lambda p: bound(KEY, model.bind(p).given(present("a")), x)[0])(params)

    value, gradient = of(params, X)
    other, of_other = of(params, X | {"b": jnp.full(2, jnp.nan)})
    np.testing.assert_array_equal(value, other)
    for leaf, same in zip(jax.tree.leaves(gradient), jax.tree.leaves(of_other), strict=True):
        np.testing.assert_array_equal(leaf, same)
    for part in ("encoders", "decoders"):
        assert all((leaf == 0).all() for leaf in jax.tree.leaves(gradient[part]["b"]))
        assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient[part]["a"]))


@pytest.mark.long
def test_one_modality_alone_is_a_vae_whose_expert_is_multiplied_by_the_prior():
    model = linear()
    params = model.init(KEY)
    vae = model.bind(params).given(present("a"))
    expert = linear(mixture_of_experts).bind(params).given(present("a")).posterior(X)
    assert isinstance(expert, Mixture)
    (alone,) = [jax.tree.map(lambda leaf: leaf[0], expert.components)]
    precision = 1 + 1 / alone.scale**2
    q = vae.posterior(X)
    np.testing.assert_allclose(q.loc, alone.loc / alone.scale**2 / precision, rtol=1e-5)
    np.testing.assert_allclose(q.scale, precision**-0.5, rtol=1e-5)
    plain = VAE(lambda x: q, lambda z: vae.likelihood(z).parts["a"], standard_normal(2))
    np.testing.assert_allclose(elbo(KEY, vae, X)[0], elbo(KEY, plain, X["a"])[0], rtol=1e-5)


def test_all_modalities_are_decoded_from_some():
    model = linear()
    bound = model.bind(model.init(KEY))
    examples = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf]), X)
    complete = jax.jit(lambda examples, *seen: generation.complete(bound, examples, *seen), static_argnums=(1,))
    made = complete(examples, "a")
    assert jax.tree.map(jnp.shape, made) == {"a": (2, 3), "b": (2, 2)}
    hidden = complete(examples | {"b": jnp.zeros((2, 2)), "condition": None}, "a")
    np.testing.assert_array_equal(made["b"], hidden["b"])
    vae = bound.given(present("a"))
    np.testing.assert_allclose(made["b"][0], vae.likelihood(vae.posterior(X).mean()).mean()["b"], rtol=1e-5)
    of_nothing = complete(examples)
    np.testing.assert_allclose(of_nothing["a"][0], of_nothing["a"][1])
    with pytest.raises(ValueError, match=r"expected modalities of the examples \(a, b\); got 'c'"):
        generation.complete(bound, examples, "c")


@pytest.mark.long
def test_a_batch_has_a_condition_for_each_example():
    model = linear()
    bound = model.bind(model.init(KEY))
    batch = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), X)
    batch["condition"] = {"a": jnp.array([True, False]), "b": jnp.array([True, True])}
    keys = jax.random.split(KEY, 2)
    values, _ = over_batch(elbo)(keys, bound, batch, 0)
    np.testing.assert_allclose(values[0], elbo(keys[0], bound.given(present("a", "b")), X)[0], rtol=1e-5)
    np.testing.assert_allclose(values[1], elbo(keys[1], bound.given(present("b")), X)[0], rtol=1e-5)


def test_what_does_not_fit_is_refused():
    for parts in ({}, {"condition": None, "a": None}):
        with pytest.raises(ValueError, match="expected modalities by name, none of them 'condition'"):
            multimodal(parts, latent_size=2)
    bound = linear().bind(linear().init(KEY))
    with pytest.raises(ValueError, match=r"expected a condition that says .*, a, b; got a dict of a; data.all_present"):
        bound.given({"a": True})
    with pytest.raises(ValueError, match="expected an example with an entry for each modality, a, b; got ArrayImpl"):
        bound.given(present("a")).posterior(X["a"])
