"""The VAE of a table whose columns are of different kinds: cars, by real numbers, a count and categories.

Each kind has a likelihood: a normal for numbers and dates, Poisson for counts, Bernoulli or a categorical for others.
'vae-jax sample RUN --out rows.csv' writes new rows. --data.name takes your .csv or .parquet, --data.kinds names kinds.

Measured (`vae-jax train vae_mixed_table`): ELBO −11.4 nats on the test split, 37 cars; NLL 11.2 ± 0.5 with 100
importance samples. 10,000 samples beside the 317 cars that it learned from:

| | mpg | displacement | horsepower | weight | acceleration | year | 4, 6, 8 cylinders | USA, Europe, Japan |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| data, mean | 23.6 | 191 | 102.3 | 2,937 | 15.6 | 6.0 | 51, 22, 25 % | 62, 18, 20 % |
| samples | 23.5 | 185 | 101.3 | 2,897 | 15.7 | 5.9 | 50, 25, 23 % | 64, 17, 19 % |
| data, deviation | 7.8 | 103 | 36.6 | 835 | 2.8 | 3.7 | | |
| samples | 7.5 | 96 | 35.3 | 792 | 2.8 | 3.7 | | |
| data, correlation with mpg | | −0.81 | −0.77 | −0.83 | | | | |
| samples | | −0.79 | −0.74 | −0.80 | | | | |
"""

from dataclasses import dataclass
from functools import partial

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.LearnedScale, vj.standard.Vae):
    data: vj.DataConfig = vj.DataConfig("auto_mpg")
    """A table."""
    latent_size: int = 4
    hidden_sizes: tuple[int, ...] = (64, 64)
    batch_size: int = 50
    num_epochs: int = 200


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    import jax
    import jax.numpy as jnp

    kinds = vj.data.likelihood_kinds(data.columns)

    def inputs(kind: str | int, value: jax.Array) -> jax.Array:  # the encoder's
        if isinstance(kind, int):
            return jax.nn.one_hot(value.astype(int), kind)
        return jnp.log1p(value)[None] if kind == "count" else value[None]

    def inputs_of(row: jax.Array) -> jax.Array:
        return jnp.concatenate([inputs(kind, value) for kind, value in zip(kinds, row, strict=True)])

    real = [column for column, kind in enumerate(kinds) if kind == "continuous"]
    mean = jnp.asarray(data.stored_mean()).at[jnp.array(real, int)].set(0.0)
    scale = vj.standard.initial_scale(config, 1.0)  # of standardised columns
    likelihood = vj.models.likelihoods.mixed_columns(kinds, initial_scale=scale)
    num_inputs = sum(kind if isinstance(kind, int) else 1 for kind in kinds)
    encoder = vj.standard.encoder(config, (num_inputs,), 2 * config.latent_size)
    model = vj.models.gaussian(
        encoder=encoder._replace(apply=lambda params, row: encoder.apply(params, inputs_of(row))),
        decoder=vj.standard.decoder(config, likelihood, mean, data.example_shape),
        likelihood=likelihood,
        latent_size=config.latent_size,
    )
    objective = vj.objectives.over_batch(partial(vj.objectives.elbo, beta=config.beta))
    return vj.standard.experiment(config, data, model, objective, vj.data.standardise(data, real))
