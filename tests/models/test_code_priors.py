"""A prior that learns codes beside the model: it moves itself alone, and what has no codes is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.models import bottlenecks, gaussian, likelihoods, quantised, with_code_prior
from vae_jax.networks import mlp
from vae_jax.objectives import elbo

KEY = jax.random.key(0)
PLAIN = quantised(
    mlp((5,), (2, 3)), mlp((2, 3), (5,)), likelihoods.gaussian(), bottleneck=bottlenecks.fsq((3, 3, 3)), places=(2,)
)


@pytest.mark.parametrize("order", ["autoregressive", "masked"])
def test_the_message_trains_the_prior_alone(order):
    model = with_code_prior(PLAIN, order, width=4, num_blocks=1, num_heads=1, num_rounds=2)
    x = jnp.linspace(-1, 1, 5)

    @jax.jit
    def of(params):
        kl = lambda params: elbo(KEY, model.bind(params), x)[1]["kl"]
        plain = elbo(KEY, PLAIN.bind(params["model"]), x)
        return jax.value_and_grad(kl)(params), elbo(KEY, model.bind(params), x), plain

    (kl, slopes), (value, _), (plain_value, _) = of(jax.jit(model.init)(KEY))
    assert float(kl) == pytest.approx(2 * np.log(27), rel=1e-5)
    np.testing.assert_allclose(value, plain_value, rtol=1e-5)  # at first all codes are equally likely
    assert not any(leaf.any() for leaf in jax.tree.leaves(slopes["model"]))
    assert any(np.abs(leaf).max() > 0.1 for leaf in jax.tree.leaves(slopes["prior"]))


def test_what_has_no_codes_is_refused():
    with pytest.raises(
        TypeError, match=r"expected a model with a prior of independent codes; got Normal; use models\.quantised"
    ):
        with_code_prior(gaussian(mlp((5,), (4,)), mlp((2,), (5,)), likelihoods.gaussian(), latent_size=2))
    with pytest.raises(TypeError, match=r"a prior of independent codes; got CodesInOrder"):
        with_code_prior(with_code_prior(PLAIN))
    with pytest.raises(ValueError, match=r"expected order as 'autoregressive' or 'masked'; got 'none'"):
        with_code_prior(PLAIN, "none")
