"""Models of a few numbers, and one training step by each runner."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import PartitionSpec

from vae_jax import objectives
from vae_jax.distributions import Coded, Normal, Quantised, standard_normal, uniform_codes
from vae_jax.hierarchy import Group, top_down
from vae_jax.models import bottlenecks
from vae_jax.parallel.config import ParallelConfig
from vae_jax.parallel.mesh import make_mesh
from vae_jax.parallel.placement import Placement
from vae_jax.training import trainer
from vae_jax.untrained import Untrained
from vae_jax.vae import VAE, Model

# In 64 bits nothing is left of rounding, so that what differs is wrong.
jax.config.update("jax_enable_x64", True)

NUM, DATA, LATENT = 16, 6, 3
KEY = jax.random.key(5)
BATCH = np.random.default_rng(0).normal(size=(NUM, DATA))


def init(key: jax.Array) -> dict[str, jax.Array]:
    shapes = {
        "encoder": (LATENT, DATA),
        "decoder": (DATA, LATENT),
        "upper": (LATENT, LATENT),
        "lower": (LATENT, LATENT),
    }
    keys = jax.random.split(key, len(shapes))
    return {name: 0.4 * jax.random.normal(k, shape) for k, (name, shape) in zip(keys, shapes.items(), strict=True)}


def bind(params: dict[str, jax.Array]) -> VAE:
    return VAE(
        lambda x: Normal(params["encoder"] @ x, jax.nn.softplus(params["upper"] @ params["encoder"] @ x) + 0.1),
        lambda z: Normal(jnp.tanh(params["decoder"] @ params["lower"] @ z), jnp.asarray(0.5)),
        standard_normal(LATENT),
    )


bind_ladder = top_down(
    {
        "top": Group(
            lambda params, state: standard_normal(LATENT),
            lambda params, state, h: Normal(params["upper"] @ h, jnp.full(LATENT, 0.6)),
            lambda params, state, z: z,
        ),
        "bottom": Group(
            lambda params, top: Normal(params["lower"] @ top, jnp.full(LATENT, 0.8)),
            lambda params, top, h: Normal(h + params["lower"] @ top, jnp.full(LATENT, 0.5)),
            lambda params, top, z: z,
        ),
    },
    start=lambda params: (),
    features=lambda params, x: params["encoder"] @ x,
    read=lambda params, z: Normal(jnp.tanh(params["decoder"] @ params["lower"] @ z), jnp.asarray(0.5)),
)


def seeing(key: jax.Array, vae: VAE, x: Any) -> tuple[Any, Any, Any]:
    value, metrics = objectives.elbo(key, vae, x)
    return value, metrics, {"mean": vae.posterior(x).mean()}


def after(params: Any, seen: dict[str, jax.Array]) -> Any:
    """Running means of the codes, and the codes as they came."""
    mean = 0.9 * params["codes"].value["mean"] + 0.1 * seen["mean"].mean(axis=0)
    return params | {"codes": Untrained({"mean": mean, "all": seen["mean"]})}


VQ = bottlenecks.vq(4, LATENT)


def bind_codes(params: Any) -> VAE:
    """Codes of moving averages, which are to be different over a batch."""

    def posterior(x: jax.Array) -> Quantised:
        encoded = params["encoder"] @ x
        distances = jnp.square(encoded - params["codes"].value.vectors[0]).sum(axis=-1)
        return replace(VQ.quantise(params["codes"], encoded), assignment=jax.nn.softmax(-distances), diversity=3.0)

    prior = Coded(uniform_codes((), 4), params["codes"], VQ.look_up, VQ.find)
    return bind(params)._replace(posterior=posterior, prior=prior)


FLAT, LADDER = Model(init, bind), Model(init, bind_ladder)
REMEMBERING = Model(
    lambda key: init(key) | {"codes": Untrained({"mean": jnp.zeros(LATENT), "all": jnp.zeros((NUM, LATENT))})},
    lambda params: bind(params)._replace(prior=Normal(params["codes"].value["mean"], jnp.ones(LATENT))),
    after,
)
CODES = Model(
    lambda key: {name: params for name, params in init(key).items() if name != "upper"} | {"codes": VQ.init(key)},
    bind_codes,
    lambda params, seen: params | {"codes": VQ.after(params["codes"], seen)},
)
OBJECTIVES: dict[str, tuple[Model, Any]] = {
    "elbo": (FLAT, objectives.over_batch(objectives.elbo)),
    "iwae": (FLAT, objectives.over_batch(partial(objectives.iwae, num_samples=3))),
    "ladder": (LADDER, objectives.over_batch(objectives.elbo)),
    "beta_tcvae": (FLAT, partial(objectives.beta_tcvae, num_examples=100, beta=6.0)),
    "scheduled beta_tcvae": (
        FLAT,
        objectives.scheduled(partial(objectives.beta_tcvae, num_examples=100), beta=lambda step: 2.0 + step),
    ),
    "dip_vae": (FLAT, partial(objectives.dip_vae, off_diagonal=3.0, diagonal=2.0)),
    "wae": (
        FLAT,
        partial(
            objectives.wae,
            weight=5.0,
            discrepancy=partial(objectives.sliced_wasserstein, num_projections=4),
        ),
    ),
    "codes": (CODES, objectives.quantised_autoencoder),
    "geco": (FLAT, objectives.geco(-4.0)),
    "remembering": (REMEMBERING, objectives.over_batch(seeing)),
}


def placement(num_params: int = 1, num_devices: int = 8) -> Placement:
    return Placement(make_mesh(ParallelConfig(devices=num_devices, params=num_params), NUM))


def alone(model: Model, objective: Any, optimizer: Any) -> tuple[Any, Callable]:
    one = trainer(model, objective, optimizer)
    return one.init(KEY), jax.jit(one.step)


def by_sharding(model: Model, objective: Any, optimizer: Any) -> tuple[Any, Callable]:
    one, place = trainer(model, objective, optimizer), placement()
    state = jax.device_put(one.init(KEY), place.everywhere)
    step = jax.jit(one.step, in_shardings=(place.everywhere, place.in_shares), out_shardings=place.everywhere)
    return state, step


def by_shard_map(model: Model, objective: Any, optimizer: Any, *, check_vma: bool = True) -> tuple[Any, Callable]:
    one, mesh = trainer(model, objective, optimizer, axis_name="data"), placement().mesh
    whole, share = PartitionSpec(), PartitionSpec("data")
    return one.init(KEY), jax.jit(
        jax.shard_map(one.step, mesh=mesh, in_specs=(whole, share), out_specs=whole, check_vma=check_vma)
    )


def by_pmap(model: Model, objective: Any, optimizer: Any) -> tuple[Any, Callable]:
    """As a user would write it: a copy of the state for each device, and the batch cut by hand."""
    one = trainer(model, objective, optimizer, axis_name="data")
    step = jax.pmap(one.step, axis_name="data")
    states = jax.tree.map(lambda leaf: jnp.stack([leaf] * 8), one.init(KEY))
    return states, lambda states, batch: step(states, batch.reshape(8, -1, *batch.shape[1:]))


RUNNERS: dict[str, Callable] = {
    "sharding": by_sharding,
    "shard_map": by_shard_map,
    "shard_map, unchecked": partial(by_shard_map, check_vma=False),
    "pmap": by_pmap,
}


def first_copy(tree: Any, runner: str) -> Any:
    return jax.tree.map(lambda leaf: leaf[0], tree) if runner == "pmap" else tree


OPTIMIZER = optax.sgd(1.0)
"""With it the parameters move by the gradient itself; Adam would hide a wrong scale."""
