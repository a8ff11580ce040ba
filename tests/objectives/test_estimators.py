"""Estimators of a gradient: unbiased, ordered by their variance, and refused where they would be silently wrong.

The exact gradients are automatic derivatives of exact expectations: by Gauss-Hermite quadrature over the samples of a
normal posterior, by enumeration over those of a Bernoulli one.
"""

import itertools
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from joint_posterior import Joint

import vae_jax as vj
from vae_jax.distributions import Bernoulli, Normal
from vae_jax.formulas import importance_weighted_bound
from vae_jax.messages import UsageError
from vae_jax.objectives import (
    analytic_kl,
    capacity,
    ciwae,
    doubly_reparametrised,
    elbo,
    free_bits,
    iwae,
    leave_one_out,
    miwae,
    over_batch,
    over_draws,
    pathwise,
    piwae,
    renyi,
    sampled_kl,
    score_function,
    sticking_the_landing,
    tvo,
    vr_max,
)
from vae_jax.outline import outline
from vae_jax.pytree import register_dataclass
from vae_jax.vae import VAE, draw

KEY = jax.random.key(0)
NUM_ESTIMATES = 40_000
LIMIT = 4.5  # standard errors: a right estimator exceeds it in any of 300 numbers with a probability of 0.2 %
X = jnp.array([0.7, -0.4])

sampled_elbo = partial(elbo, kl=sampled_kl)
sampled_beta = partial(elbo, kl=sampled_kl, beta=2.5)

# A normal posterior over one latent number, and a decoder that is not linear.

NORMAL = {
    "loc": jnp.array([0.6, 0.2]),
    "log_scale": jnp.array(-0.2),
    "decoder": jnp.array([1.1, -0.7]),
    "prior": jnp.array([0.3, 0.1]),
}


def normal_vae(params) -> VAE:
    return VAE(
        posterior=lambda x: Normal((params["loc"] @ x)[None], jnp.exp(params["log_scale"])[None]),
        likelihood=lambda z: Normal(jnp.tanh(params["decoder"] * z), jnp.asarray(0.8, z.dtype)),
        prior=Normal(params["prior"][:1], jnp.exp(params["prior"][1:])),
    )


# A Bernoulli posterior over two bits, given a prior and a decoder that make them depend on each other.

BITS = {
    "logits": jnp.array([[0.9, -0.3], [0.2, 0.8]]),
    "decoder": jnp.array([[1.0, -0.6], [0.4, 0.9]]),
    "prior": jnp.array([0.4, -0.5]),
}


def bernoulli_vae(params) -> VAE:
    return VAE(
        posterior=lambda x: Bernoulli(params["logits"] @ x),
        likelihood=lambda z: Normal(jnp.tanh(params["decoder"] @ z + z[0] * z[1]), jnp.asarray(0.5, z.dtype)),
        prior=Bernoulli(params["prior"]),
    )


VAES = {"normal": (normal_vae, NORMAL), "bernoulli": (bernoulli_vae, BITS)}


def states_of(family, params, num_samples):
    """All tuples of samples (num, num_samples, size) and the weight of each in an expectation, both differentiable."""
    posterior = VAES[family][0](params).posterior(X)
    if family == "normal":
        nodes, weights = np.polynomial.hermite_e.hermegauss(48)
        of_one = posterior.loc + posterior.scale * nodes[:, None]
        weights = jnp.asarray(weights / weights.sum())
    else:
        of_one = jnp.array(list(itertools.product([0.0, 1.0], repeat=2)))
        weights = jnp.exp(jax.vmap(posterior.log_prob)(of_one))
    chosen = np.array(list(itertools.product(range(len(of_one)), repeat=num_samples)))
    return of_one[chosen], jnp.prod(weights[chosen], axis=1)


def exact_gradients(family, values):
    """Of E value(log p(x|z), log p(z), log q(z|x)), in float64; `values` are name -> (number of samples, value)."""
    bind, params = VAES[family]

    def expectation(params, num_samples, value):
        vae = bind(params)
        posterior = vae.posterior(X)
        states, weights = states_of(family, params, num_samples)

        def of_samples(z):
            of_each = jax.vmap(lambda z: (vae.likelihood(z).log_prob(X), vae.prior.log_prob(z), posterior.log_prob(z)))
            return value(*of_each(z))

        return weights @ jax.vmap(of_samples)(states)

    with jax.enable_x64(True):
        params = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf), jnp.float64), params)
        of_all = jax.jit(lambda params: {name: jax.grad(expectation)(params, *how) for name, how in values.items()})
        return jax.tree.map(np.asarray, of_all(params))


VALUES = {
    "elbo": (1, lambda likelihood, prior, q: jnp.mean(likelihood + prior - q)),
    "beta": (1, lambda likelihood, prior, q: jnp.mean(likelihood + 2.5 * (prior - q))),
    "iwae": (2, lambda likelihood, prior, q: importance_weighted_bound(likelihood + prior - q)),
    "ciwae": (
        2,
        lambda likelihood, prior, q: (
            0.3 * jnp.mean(likelihood + prior - q) + 0.7 * importance_weighted_bound(likelihood + prior - q)
        ),
    ),
    **{
        f"renyi {alpha}": (
            2,
            lambda likelihood, prior, q, power=1 - alpha: (
                importance_weighted_bound(power * (likelihood + prior - q)) / power
            ),
        )
        for alpha in (-1, 0.5, 2)
    },
}

two = {"num_samples": 2}
anywhere = {"score": score_function, "leave one out": leave_one_out}
reparametrised = {"pathwise": pathwise, "dreg": doubly_reparametrised}
# What it is an estimate of, the objective, and the estimators of its gradient.
TABLE = {
    "normal": [
        ("elbo", partial(elbo, **two), anywhere | {"pathwise": pathwise}),
        ("elbo", partial(sampled_elbo, **two), anywhere | reparametrised | {"stl": sticking_the_landing}),
        ("beta", partial(sampled_beta, **two), anywhere | {"dreg": doubly_reparametrised, "stl": sticking_the_landing}),
        ("iwae", partial(iwae, **two), anywhere | reparametrised),
        ("iwae", partial(miwae, num_groups=2, **two), {"leave one out": leave_one_out} | reparametrised),
        ("ciwae", partial(ciwae, beta=0.3, **two), reparametrised),
        *((f"renyi {alpha}", partial(renyi, alpha=alpha, **two), reparametrised) for alpha in (-1, 0.5, 2)),
    ],
    "bernoulli": [
        ("elbo", partial(elbo, **two), anywhere),
        ("beta", partial(sampled_beta, **two), anywhere),
        ("iwae", partial(iwae, **two), anywhere),
        ("iwae", partial(miwae, num_groups=2, **two), anywhere),
        ("ciwae", partial(ciwae, beta=0.3, **two), anywhere),
        ("renyi 0.5", partial(renyi, alpha=0.5, **two), anywhere),
    ],
}


def flat(tree) -> np.ndarray:
    return np.concatenate([np.ravel(np.asarray(leaf, float)) for leaf in jax.tree.leaves(tree)])


@pytest.mark.parametrize("family", VAES)
def test_every_estimator_is_unbiased(family):
    """The mean of 40,000 gradients, in each parameter of posterior, likelihood and prior, within 4.5 standard errors.

    Each standard error is a small part of the gradient, so that a dropped term would show.
    """
    bind, params = VAES[family]
    cases = [
        (of, objective, name, how) for of, objective, estimators in TABLE[family] for name, how in estimators.items()
    ]

    @jax.jit
    def moments(keys):
        def gradients(key):
            return [
                jax.grad(lambda params, one=one, how=how: one(key, bind(params), X, estimator=how)[0])(params)
                for _, one, _, how in cases
            ]

        of_each = jax.vmap(gradients)(keys)
        return jax.tree.map(lambda array: (array.mean(axis=0), array.std(axis=0)), of_each)

    results = moments(jax.random.split(KEY, NUM_ESTIMATES))
    exact = exact_gradients(family, {of: VALUES[of] for of, *_ in TABLE[family]})
    is_pair = lambda node: isinstance(node, tuple)
    for (of, _, name, _), result in zip(cases, results, strict=True):
        mean = flat(jax.tree.map(lambda pair: pair[0], result, is_leaf=is_pair))
        error = flat(jax.tree.map(lambda pair: pair[1], result, is_leaf=is_pair)) / np.sqrt(NUM_ESTIMATES)
        expected = flat(exact[of])
        assert (np.abs(mean - expected) < LIMIT * error + 1e-6).all(), (of, name, mean, expected, error)
        assert np.linalg.norm(error) < 0.05 * np.linalg.norm(expected), (of, name)


def test_the_exact_gradients_are_exact():
    """Quadrature by 48 points: the closed-form ELBO of a linear decoder; and enough points for the decoder above."""

    def linear(params) -> VAE:
        return normal_vae(params)._replace(
            likelihood=lambda z: Normal(params["decoder"] * z, jnp.asarray(0.8, z.dtype))
        )

    def closed_form(params):
        vae = linear(params)
        q, w = vae.posterior(X), params["decoder"]
        expected = vae.likelihood(q.loc).log_prob(X) - jnp.sum(w**2) * jnp.sum(q.scale**2) / (2 * 0.8**2)
        return expected - analytic_kl(draw(KEY, vae, X))

    original = VAES["normal"]
    try:
        VAES["normal"] = (linear, NORMAL)
        quadrature = exact_gradients("normal", {"elbo": VALUES["elbo"]})["elbo"]
    finally:
        VAES["normal"] = original
    np.testing.assert_allclose(flat(quadrature), flat(jax.jit(jax.grad(closed_form))(NORMAL)), rtol=1e-5)


def test_an_estimator_never_changes_the_value():
    """Nor the metrics: with the same key, the same draws."""
    bind, params = VAES["normal"]
    objectives = {
        "elbo": (partial(elbo, **two), [score_function, leave_one_out, doubly_reparametrised]),
        "sampled": (partial(sampled_elbo, **two), [sticking_the_landing, doubly_reparametrised, score_function]),
        "iwae": (partial(iwae, num_samples=5), [doubly_reparametrised, score_function, leave_one_out]),
        "vr_max": (partial(vr_max, num_samples=5), [score_function, leave_one_out]),
    }

    @jax.jit
    def everything(params):
        vae = bind(params)
        return {
            name: [objective(KEY, vae, X, estimator=estimator) for estimator in [pathwise, *others]]
            for name, (objective, others) in objectives.items()
        }

    for plain, *others in everything(params).values():
        for other in others:
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-6), plain, other)


# The ranking of variances


def total_variances(objectives, params, bind, x, part, num_estimates=4_000):
    """The variance of each objective's gradient in the parameters whose name begins with `part`, summed over them."""

    @jax.jit
    def gradients(keys):
        def of_one(key):
            return {
                name: [
                    leaf
                    for path, leaf in jax.grad(lambda params, one=one: one(key, bind(params), x)[0])(params).items()
                    if path.startswith(part)
                ]
                for name, one in objectives.items()
            }

        return jax.vmap(of_one)(keys)

    results = gradients(jax.random.split(KEY, num_estimates))
    return {
        name: sum(float(np.asarray(leaf, float).var(axis=0).sum()) for leaf in leaves)
        for name, leaves in results.items()
    }


def test_the_doubly_reparametrised_gradient_has_less_variance(linear_gaussian, examples):
    """With 50 samples: by more than a factor of two for the encoder; and the ELBO's `sticking_the_landing` too."""
    many = partial(iwae, num_samples=50)
    variances = total_variances(
        {
            "iwae": many,
            "iwae, dreg": partial(many, estimator=doubly_reparametrised),
            "elbo": sampled_elbo,
            "elbo, stl": partial(sampled_elbo, estimator=sticking_the_landing),
        },
        linear_gaussian.wrong(),
        linear_gaussian.bind,
        jnp.asarray(examples[0], jnp.float32),
        "encoder",
    )
    assert variances["iwae, dreg"] < variances["iwae"] / 2
    assert variances["elbo, stl"] < variances["elbo"]


def test_leaving_one_out_has_less_variance_than_the_plain_score_function():
    """By more than a factor of three, for the ELBO and for the importance-weighted bound, for bits."""
    objectives = {
        f"{name}, {how.__name__}": partial(objective, num_samples=5, estimator=how)
        for name, objective in (("elbo", elbo), ("iwae", iwae))
        for how in (score_function, leave_one_out)
    }
    variances = total_variances(objectives, BITS, bernoulli_vae, X, "logits")
    assert variances["elbo, leave_one_out"] < variances["elbo, score_function"] / 3
    assert variances["iwae, leave_one_out"] < variances["iwae, score_function"] / 3


# Second implementations


def test_the_leave_one_out_gradient_is_the_published_one():
    """Kool et al. for the ELBO, Mnih & Rezende for the bound, in numpy from the scores, for one key."""
    num_samples, key = 4, jax.random.key(5)
    vae = bernoulli_vae(BITS)

    def of_draw(one):
        weight = one.likelihood.log_prob(X) + one.prior.log_prob(one.z) - one.log_posterior
        return one.z, weight

    draws = jax.jit(lambda: over_draws(key, vae, X, num_samples, of_draw))()
    z, log_weights = (np.asarray(part, float) for part in draws)
    probabilities = np.asarray(vae.posterior(X).mean(), float)
    scores = np.einsum("ki,j->kij", z - probabilities, np.asarray(X, float))  # ∇ log q of a Bernoulli: (z − p) x

    signals_of_elbo = [(log_weights[k] - np.delete(log_weights, k).mean()) / num_samples for k in range(num_samples)]
    bound = lambda weights: np.log(np.mean(np.exp(weights)))
    share = lambda weights: np.exp(weights) / np.exp(weights).sum()
    replaced = []
    for k in range(num_samples):
        without = log_weights.copy()
        without[k] = np.delete(log_weights, k).mean()
        replaced.append(without)
    vimco = np.array([bound(log_weights) - bound(without) for without in replaced])
    of_own_score = np.array([share(without)[k] for k, without in enumerate(replaced)]) - share(log_weights)

    for objective, signals in ((sampled_elbo, signals_of_elbo), (iwae, vimco + of_own_score)):
        value = lambda params, one=objective: one(
            key, bernoulli_vae(params), X, num_samples=num_samples, estimator=leave_one_out
        )[0]
        gradient = jax.jit(jax.grad(value))(BITS)["logits"]
        np.testing.assert_allclose(gradient, np.einsum("k,kij->ij", signals, scores), rtol=2e-4, atol=1e-5)


def test_piwae_trains_the_encoder_by_miwae_and_the_decoder_by_iwae(linear_gaussian, examples):
    """With the same key, number for number; its value is that of `iwae`."""
    with jax.enable_x64(True):
        params, x = linear_gaussian.wrong(jnp.float64), examples[0]
        objectives = {
            "partial": partial(piwae, num_groups=3, num_samples=4),
            "encoder": partial(miwae, num_groups=3, num_samples=4),
            "decoder": partial(iwae, num_samples=12),
        }

        @jax.jit
        def of_each(params):
            return {
                name: jax.value_and_grad(lambda params, one=one: one(KEY, linear_gaussian.bind(params), x)[0])(params)
                for name, one in objectives.items()
            }

        results = of_each(params)
        value, gradient = results["partial"]
        np.testing.assert_allclose(value, results["decoder"][0], rtol=1e-12)
        for name, part in gradient.items():
            np.testing.assert_allclose(part, results[name[:7]][1][name], rtol=1e-9, atol=1e-12)
        assert np.abs(results["encoder"][1]["encoder"] - results["decoder"][1]["encoder"]).max() > 1e-3
        assert np.abs(results["encoder"][1]["decoder"] - results["decoder"][1]["decoder"]).max() > 1e-3


# What cannot be supported


@pytest.mark.parametrize("transform", [lambda f: f, jax.jit], ids=["eager", "jit"])
@pytest.mark.parametrize(
    "objective",
    [
        elbo,
        partial(sampled_elbo, estimator=sticking_the_landing),
        partial(iwae, num_samples=3),
        partial(iwae, num_samples=3, estimator=doubly_reparametrised),
        partial(piwae, num_groups=2, num_samples=3),
    ],
)
def test_a_path_through_bits_is_refused_when_it_is_traced(objective, transform):
    """Bits have no derivative: the gradient would miss the sampling without a word. Their value alone is allowed."""
    of = transform(lambda params: objective(KEY, bernoulli_vae(params), X)[0])
    assert jax.eval_shape(of, BITS).shape == ()
    message = "expected a posterior whose samples are differentiable; got a Bernoulli.*; use estimator=leave_one_out"
    with pytest.raises(TypeError, match=message):
        jax.eval_shape(jax.grad(of), BITS)
    with pytest.raises(TypeError, match=message):
        jax.eval_shape(jax.vmap(jax.grad(lambda scale: of(jax.tree.map(lambda leaf: scale * leaf, BITS)))), X)


def test_an_experiment_with_a_path_through_bits_is_refused_when_it_is_built():
    """With an estimator for bits it is not, nor is its validation by the plain `elbo`, which needs no gradient."""
    data = vj.data.load("digits")
    model = vj.models.amortised(
        vj.networks.mlp(data.example_shape, (4,)),
        vj.networks.mlp((4,), data.example_shape),
        vj.models.likelihoods.bernoulli(),
        posterior=Bernoulli,
        prior=Bernoulli(jnp.zeros(4)),
    )

    def experiment(objective):
        trainer = vj.trainer(model, over_batch(objective), optax.sgd(0.1))
        return vj.Experiment(
            model,
            trainer,
            data,
            vj.data.binarise_dynamically(data.max_value),
            vj.Budget(10, num_steps=10, validate_every=10, log_every=10),
        )

    outline(experiment(partial(elbo, num_samples=2, estimator=leave_one_out)))
    with pytest.raises(UsageError, match=r"whose samples are differentiable; got a Bernoulli.*use estimator="):
        outline(experiment(elbo))


def test_a_decoder_alone_may_be_trained_through_bits():
    """Where nothing of the posterior is differentiated, there is nothing to get wrong."""
    gradient = jax.grad(lambda decoder: elbo(KEY, bernoulli_vae(BITS | {"decoder": decoder}), X)[0])(BITS["decoder"])
    assert np.abs(gradient).max() > 0.1


def as_joint(vae: VAE) -> VAE:
    """The same model, its posterior asked for all three distributions at once."""
    return vae._replace(posterior=lambda x: Joint(vae.posterior(x), vae.likelihood))


def assert_same_gradients(value, params):
    both = jax.jit(lambda params: [jax.grad(value)(params, wrap) for wrap in (lambda vae: vae, as_joint)])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), *both(params))


def test_a_posterior_of_several_factors_cannot_stick_the_landing():
    class Several(Joint):
        def draw_at(self, z, vae):
            return super().draw_at(z, vae)._replace(posterior=(self.alone, self.alone))

    vae = normal_vae(NORMAL)
    several = vae._replace(posterior=lambda x: Several(vae.posterior(x), vae.likelihood))
    with pytest.raises(TypeError, match=r"can be evaluated apart from its sample; got a tuple.*use estimator=pathwise"):
        sampled_elbo(KEY, several, X, estimator=sticking_the_landing)


@pytest.mark.parametrize(
    "objective",
    [
        partial(elbo, estimator=score_function),
        partial(tvo, num_partitions=2),
        partial(iwae, estimator=leave_one_out),
    ],
)
def test_a_joint_posterior_has_the_score_function_of_the_same_distributions(objective):
    """Its z is held fixed, as that of any other."""
    for bind, params in ((bernoulli_vae, BITS), (normal_vae, NORMAL)):
        value = lambda params, wrap, bind=bind: objective(KEY, wrap(bind(params)), X, num_samples=3)[0]
        assert_same_gradients(value, params)


@pytest.mark.parametrize(
    "objective",
    [partial(iwae, num_samples=3, estimator=doubly_reparametrised), partial(piwae, num_groups=1, num_samples=3)],
)
def test_a_joint_posterior_is_taken_apart_as_the_same_distributions_are(objective):
    assert_same_gradients(lambda params, wrap: objective(KEY, wrap(normal_vae(params)), X)[0], NORMAL)


BOUNDS = [iwae, partial(miwae, num_groups=1), partial(ciwae, beta=0.5), partial(renyi, alpha=0.5), vr_max]


@pytest.mark.parametrize("estimator", [sticking_the_landing, lambda *of: sticking_the_landing(*of)])
@pytest.mark.parametrize("objective", BOUNDS)
def test_sticking_the_landing_is_refused_where_it_is_biased(objective, estimator):
    with pytest.raises(ValueError, match=r"drops a score whose weight varies.*; use estimator=doubly_reparametrised"):
        objective(KEY, normal_vae(NORMAL), X, num_samples=3, estimator=estimator)


def test_a_maximum_is_not_doubly_reparametrised():
    for estimator in (doubly_reparametrised, partial(doubly_reparametrised)):
        with pytest.raises(
            ValueError, match=r"whose weights jump with z.* for doubly_repara.*; use estimator=pathwise"
        ):
            vr_max(KEY, normal_vae(NORMAL), X, num_samples=3, estimator=estimator)


PENALTIES = {
    "capacity": capacity(0.4),
    "free bits": free_bits(0.4),
    "relu": lambda kl: jax.nn.relu(jnp.sum(kl) - 0.4),
    "square": lambda kl: jnp.square(jnp.sum(kl)),
}


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES.keys())
@pytest.mark.parametrize("estimator", [sticking_the_landing, doubly_reparametrised])
def test_a_penalty_that_bends_of_a_sampled_kl_is_refused(estimator, penalty):
    """The gradient of what these estimators leave out of log q would not have the mean zero."""
    bent = partial(sampled_elbo, penalty=penalty, estimator=estimator, num_samples=2)
    with pytest.raises(ValueError, match=r"expected a value that is linear in log q\(z\|x\).*use estimator="):
        bent(KEY, normal_vae(NORMAL), X)
    with pytest.raises(ValueError, match=r"expected a value that is linear in log q\(z\|x\)"):
        jax.jit(jax.grad(lambda beta: bent(KEY, normal_vae(NORMAL), X, beta=beta)[0]))(1.0)


@pytest.mark.parametrize("estimator", [sticking_the_landing, doubly_reparametrised])
def test_what_is_linear_or_has_no_score_is_not_refused(estimator):
    """A weighted and shifted sum of the samples, traced numbers, and any penalty of a KL that is a closed form."""

    @jax.jit
    def gradients(params, number):
        def of(kl, penalty, estimator):
            def value(params):
                return elbo(KEY, normal_vae(params), X, kl=kl, penalty=penalty, estimator=estimator, beta=number)[0]

            return jax.grad(value)(params)

        linear = lambda kl: number * jnp.sum(kl) - number
        closed = [of(analytic_kl, penalty, by) for penalty in PENALTIES.values() for by in (estimator, pathwise)]
        return of(sampled_kl, linear, estimator), of(sampled_kl, lambda kl: number * jnp.sum(kl), estimator), closed

    shifted, plain, closed = gradients(NORMAL, jnp.asarray(1.5))
    np.testing.assert_allclose(flat(shifted), flat(plain), rtol=1e-6)
    for its, pathwise_gradient in zip(closed[::2], closed[1::2], strict=True):
        np.testing.assert_allclose(flat(its), flat(pathwise_gradient), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("objective", [elbo, iwae])
def test_one_sample_has_no_others(objective):
    with pytest.raises(ValueError, match=r"expected at least 2 samples.*got num_samples=1; take more, or"):
        objective(KEY, bernoulli_vae(BITS), X, num_samples=1, estimator=leave_one_out)


@register_dataclass
@dataclass(frozen=True)
class Unsaid:
    """A user's own family, which says nothing of itself."""

    normal: Normal

    def sample_and_log_prob(self, key):
        return self.normal.sample_and_log_prob(key)

    def sample(self, key):
        return self.normal.sample(key)

    def log_prob(self, value):
        return self.normal.log_prob(value)


def test_a_family_that_does_not_say_has_no_gradient_through_its_samples():
    """Its value is right, and so is what needs no gradient through z; a guess would silently be wrong for half."""

    def unsaid_vae(params) -> VAE:
        vae = normal_vae(params)
        return vae._replace(posterior=lambda x: Unsaid(vae.posterior(x)))

    message = "expected a distribution that says by is_reparametrised whether .*; got a Unsaid, which does not; give"
    value = lambda params, objective: objective(KEY, unsaid_vae(params), X)[0]
    for estimator in (pathwise, sticking_the_landing):
        own = partial(elbo, kl=lambda draw: draw.log_posterior - draw.prior.log_prob(draw.z), estimator=estimator)
        np.testing.assert_allclose(value(NORMAL, own), own(KEY, normal_vae(NORMAL), X)[0], rtol=1e-6)
        with pytest.raises(TypeError, match=message):
            jax.eval_shape(jax.grad(lambda params, own=own: value(params, own)), NORMAL)
    own = partial(own, estimator=score_function)
    gradient = lambda bind: jax.jit(jax.grad(lambda params: own(KEY, bind(params), X)[0]))(NORMAL)
    np.testing.assert_allclose(flat(gradient(unsaid_vae)), flat(gradient(normal_vae)), rtol=1e-5, atol=1e-6)
    with pytest.raises(TypeError, match=r"says by has_density whether its log_prob .*; got a Unsaid, which does not"):
        value(NORMAL, sampled_elbo)
