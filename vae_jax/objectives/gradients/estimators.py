"""Estimators of a gradient: the `estimator=` of an objective. They share the value, and differ in its gradient alone.

An objective is an expectation over z ~ q(z|x), so its gradient in the parameters of q is one in the distribution
of that expectation. Here are the estimators that differentiate through the sample; `score_function` and `leave_one_out`
need no differentiable sample. Each takes `(key, vae, x, num_samples, terms, value)`: `terms` are the numbers that one
draw contributes (log p(x|z) and the KL, say), and `value` makes the objective from those of all draws.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
from jaxtyping import Scalar

from vae_jax.objectives.gradients.apart import apart, refuse_gradient_unless_reparametrised
from vae_jax.objectives.gradients.linearity import is_linear_in_log_posterior
from vae_jax.objectives.over_draws import over_draws
from vae_jax.stated import is_smooth
from vae_jax.types import Key
from vae_jax.vae import VAE, Draw

Terms: TypeAlias = Any
"""The contribution of one draw to an objective, a pytree; for K draws, with a leading axis of K."""
Estimator: TypeAlias = Callable[[Key, VAE, Any, int, Callable[[Draw], Terms], Callable[[Terms], Scalar]], Any]
"""`(key, vae, x, num_samples, terms, value) -> (value(terms of all draws), terms of all draws)`."""


def pathwise(
    key: Key, vae: VAE, x: Any, num_samples: int, terms: Callable[[Draw], Terms], value: Callable[[Terms], Scalar]
) -> tuple[Scalar, Terms]:
    """Plain differentiation through the reparametrised sample: unbiased for every objective.

    Raises:
        TypeError: When differentiated, if the posterior's samples are not differentiable.

    Source: Kingma & Welling 2014, arXiv:1312.6114, section 2.4.
    """

    def of_draw(draw: Draw) -> Terms:
        guarded = refuse_gradient_unless_reparametrised(draw.posterior, draw.log_posterior)
        return terms(draw._replace(log_posterior=guarded))

    of_draws = over_draws(key, vae, x, num_samples, of_draw)
    return value(of_draws), of_draws


def sticking_the_landing(
    key: Key, vae: VAE, x: Any, num_samples: int, terms: Callable[[Draw], Terms], value: Callable[[Terms], Scalar]
) -> tuple[Scalar, Terms]:
    """`pathwise` without the score in log q(z|x), so that the noise vanishes as q nears the true posterior.

    The posterior's parameters get a gradient through z alone. The dropped term, the score ∇ log q(z|x) at fixed z, has
    expectation zero where each sample has a constant weight, as in the ELBO with `kl=sampled_kl`. Its expectation is
    not zero in a bound whose weights vary with z, where `doubly_reparametrised` is the unbiased estimator, nor in a
    penalty of a sampled KL that is not linear, such as `free_bits` or `capacity`.

    On a hierarchy it is unbiased, but its noise does not vanish at the exact posterior, other than for the lowest
    factor: q(z₂|z₁, x) is held fixed as evaluated, and the effect of z₁ on log q through it, of mean zero, is dropped
    too.

    Raises:
        TypeError: If the posterior cannot be evaluated apart from its sample; when differentiated, if its samples are
            not differentiable.
        ValueError: If the value is not linear in log q(z|x), so that the gradient would be biased.

    Source: Roeder, Wu & Duvenaud 2017, arXiv:1703.09194, equation 8.
    """
    if not is_linear_in_log_posterior(key, vae, x, num_samples, terms, value):
        raise ValueError(
            "expected a value that is linear in log q(z|x); got one that is not, of which sticking_the_landing drops a "
            "score whose weight varies with z; use estimator=doubly_reparametrised if it is smooth, or pathwise"
        )

    def of_draw(draw: Draw) -> Terms:
        if not hasattr(draw.posterior, "log_prob"):
            raise TypeError(
                "expected a posterior that can be evaluated apart from its sample; "
                f"got a {type(draw.posterior).__name__} from the model's own draw; use estimator=pathwise"
            )
        log_posterior = jax.lax.stop_gradient(draw.posterior).log_prob(draw.z)
        guarded = refuse_gradient_unless_reparametrised(draw.posterior, (draw.log_posterior, log_posterior))[1]
        return terms(draw._replace(log_posterior=guarded))

    of_draws = over_draws(key, vae, x, num_samples, of_draw)
    return value(of_draws), of_draws


def doubly_reparametrised(
    key: Key, vae: VAE, x: Any, num_samples: int, terms: Callable[[Draw], Terms], value: Callable[[Terms], Scalar]
) -> tuple[Scalar, Terms]:
    """The doubly reparametrised gradient (DReG): the scores are reparametrised a second time, into paths through z.

    For a bound B(log w₁, …, log w_K) with the derivatives cₖ = ∂B/∂log wₖ, the posterior's parameters get
    Σₖ (cₖ − ∂cₖ/∂log wₖ) ∂log wₖ/∂zₖ · ∇zₖ: for the importance-weighted bound, with the squares w̃ₖ² of its normalised
    weights as factors; for the ELBO, it is `sticking_the_landing`. It is unbiased and zero at the exact posterior, and
    its signal does not drown in noise as K grows. Everything else gets the gradient of `pathwise`. The posterior of a
    hierarchy is evaluated whole for it, at the price of further passes, so that its noise vanishes, too.

    Raises:
        TypeError: When differentiated, if the posterior's samples are not differentiable.
        ValueError: If cₖ may jump with z, so that the gradient would be biased: the value is neither linear in
            log q(z|x) nor states that it is `smooth`.

    Source: Tucker, Lawson, Gu & Maddison 2018, arXiv:1810.04152.

    Differs from the paper: one rule for every smooth function of the log-weights, of which the paper's are cases.
    """
    parts = apart(key, vae, x, num_samples, terms)
    if not (is_smooth(value) or is_linear_in_log_posterior(key, vae, x, num_samples, terms, value)):
        raise ValueError(
            "expected a value that is linear in log q(z|x) or smooth; got one whose weights jump with z, or that does "
            "not say objectives.smooth, for doubly_reparametrised; use estimator=pathwise"
        )
    return value(parts.terms) + parts.doubly_reparametrised_gradient(value), parts.terms
