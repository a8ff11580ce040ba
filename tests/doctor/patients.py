"""Twenty runs with a fault each, and twenty healthy ones: an experiment file whose `kind` chooses one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

import vae_jax as vj

SIZE, SHAPE = 4, (8, 8)


@dataclass(frozen=True)
class Config:
    """A small VAE of digits."""

    kind: str = "bernoulli"
    """Which."""
    seed: int = 0
    """Of everything."""


def data(config: Config) -> vj.data.Dataset:
    """Digits, in the splits of the kind, or a table."""
    if config.kind in TABLES:
        return vj.data.load(TABLES[config.kind])
    digits = vj.data.load("digits")
    change = DATA.get(config.kind)
    return digits if change is None else change(digits)


def experiment(config: Config, data: vj.data.Dataset) -> vj.Experiment:
    """Wire it."""
    is_table, kind = config.kind in TABLES, config.kind.removesuffix(", other seed")
    model = MODELS.get(kind, normal_table if is_table else bernoulli)(data)
    transform = TRANSFORMS.get(kind, vj.data.standardise if is_table else binarised)(data)
    bound = BOUNDS.get(kind, vj.objectives.elbo)
    objective = OBJECTIVES.get(kind, vj.objectives.over_batch(bound))
    steps, optimizer = STEPS.get(kind, 600), OPTIMIZERS.get(kind, optax.adam(3e-3))
    return vj.Experiment(
        model=model,
        trainer=vj.trainer(model, objective, optimizer),
        dataset=data,
        transform=transform,
        budget=vj.Budget(
            min(100, len(data.train.examples)), num_steps=steps, validate_every=steps // 12, log_every=steps // 30
        ),
        seed=config.seed,
        bound=bound,
        num_samples=30,
    )


# Data


def with_splits(data, *, train=None, test=None):
    """Other rows in the splits."""
    splits = dict(data.splits)
    if train is not None:
        splits["train"] = splits["train"].part(train)
    if test is not None:
        splits["test"] = test
    return vj.data.Dataset(data.name, data.description, splits, data.max_value, label_names=data.label_names)


def sorted_by_class(data):
    """The last three classes are tested, and never trained on."""
    rows = np.concatenate([np.asarray(split.labels) for split in data.splits.values()])
    examples = np.concatenate([np.asarray(split.examples[:]) for split in data.splits.values()])
    cut = {"train": rows < 6, "validation": rows == 6, "test": rows > 6}
    splits = {name: vj.data.Split(examples[chosen], rows[chosen]) for name, chosen in cut.items()}
    return vj.data.Dataset("sorted", "digits in the order of their classes", splits, data.max_value)


def partly_leaked(data):
    """A third of the test split is trained on."""
    test, train = data.splits["test"], data.train
    num = len(test.examples) // 3
    mixed = np.concatenate([np.asarray(test.examples[:])[num:], np.asarray(train.examples[:num])])
    labels = np.concatenate([np.asarray(test.labels)[num:], np.asarray(train.labels)[:num]])
    return with_splits(data, test=vj.data.Split(mixed, labels))


DATA = {
    "leaked": lambda data: with_splits(data, test=data.train.part(np.arange(180))),
    "partly leaked": partly_leaked,
    "sorted": sorted_by_class,
    "few examples": lambda data: with_splits(data, train=np.arange(60)),
    "few examples, gaussian": lambda data: with_splits(data, train=np.arange(60)),
}
TABLES = {"table": "breast_cancer"}


# Transforms


def binarised(data):
    """Black and white."""
    return vj.data.binarise_dynamically(data.max_value)


def scaled(data):
    """Grey levels in [0, 1]."""
    return vj.data.scale(data.max_value)


def multiplied(data):
    """Numbers up to 480."""
    return vj.data.Transform(lambda key, x: 30.0 * x.astype(jnp.float32), "times 30")


def with_an_outlier(data):
    """Three examples are far too large: their gradients are not finite."""

    def apply(key, x):
        x = x.astype(jnp.float32) / 16
        return jnp.where(jnp.sum(x) > 26, 1e25 * x, x)

    return vj.data.Transform(apply, "with outliers")


# Models


def networks(num_outputs, output_shape=SHAPE, hidden=(64,)):
    """An encoder and a decoder."""
    return vj.networks.mlp(SHAPE, (num_outputs,), hidden), vj.networks.mlp((SIZE,), output_shape, hidden)


def of_likelihood(make, hidden=(64,)):
    """A Gaussian VAE with a likelihood."""

    def model(data):
        likelihood = make(data)
        encoder, decoder = networks(2 * SIZE, likelihood.output_shape(SHAPE), hidden)
        return vj.models.gaussian(encoder, decoder, likelihood, latent_size=SIZE)

    return model


bernoulli = of_likelihood(lambda data: vj.models.likelihoods.bernoulli())
large = of_likelihood(lambda data: vj.models.likelihoods.bernoulli(), (256, 256))


def fixed_noise(scale):
    """A normal p(x|z) whose scale nothing trains."""
    return of_likelihood(lambda data: vj.models.likelihoods.gaussian(scale=scale))


learned_noise = of_likelihood(lambda data: vj.models.likelihoods.gaussian_with_learned_scale())


def normal_table(data):
    """A VAE of a standardised table."""
    likelihood = vj.models.likelihoods.gaussian_with_learned_scale()
    encoder = vj.networks.mlp(data.example_shape, (2 * SIZE,), (64,))
    decoder = vj.networks.mlp((SIZE,), likelihood.output_shape(data.example_shape), (64,))
    return vj.models.gaussian(encoder, decoder, likelihood, latent_size=SIZE)


def deaf(data):
    """A decoder that does not listen to z."""
    model = bernoulli(data)

    def bind(params):
        vae = model.bind(params)
        return vae._replace(likelihood=lambda z: vae.likelihood(jnp.zeros_like(z)))

    return model._replace(bind=bind)


def autoencoder(data):
    """Codes without a prior."""
    encoder, decoder = networks(SIZE)
    return vj.models.autoencoder(encoder, decoder, vj.models.likelihoods.bernoulli(), latent_size=SIZE)


def of_posterior(posterior):
    """Another family of q(z|x)."""

    def model(data):
        likelihood = vj.models.likelihoods.bernoulli()
        encoder = vj.networks.mlp(SHAPE, (posterior.size(SIZE),), (64,))
        decoder = vj.networks.mlp((SIZE,), SHAPE, (64,))
        return vj.models.variational(encoder, decoder, likelihood, latent_size=SIZE, posterior=posterior)

    return model


def codes(num_codes, **options):
    """A grid of four codes."""

    def model(data):
        bottleneck = vj.models.bottlenecks.vq(num_codes, 4, **options)
        likelihood = vj.models.likelihoods.bernoulli()
        return vj.models.quantised(
            encoder=vj.networks.grid_encoder(SHAPE, bottleneck.size, (16, 16)),
            decoder=vj.networks.grid_decoder(bottleneck.size, likelihood.output_shape(SHAPE), (16, 16)),
            likelihood=likelihood,
            bottleneck=bottleneck,
            places=(2, 2),
        )

    return model


def dead_codes(data):
    """All but four of the vectors begin far from whatever the encoder says."""
    model = codes(64, codebook="gradient", starts_from_means=False, revive_below=0.0)(data)

    def init(key):
        away = lambda leaf: leaf.at[..., 4:, :].add(100.0) if jnp.shape(leaf)[-2:] == (64, 4) else leaf
        return jax.tree.map(away, model.init(key))

    return model._replace(init=init)


# Objectives


def weighed(beta):
    """The KL weighed."""
    return vj.objectives.over_batch(partial(vj.objectives.elbo, beta=beta))


def means(*, of_kl):
    """The mean of the pixels in place of their sum, as a loss function of a library has it."""

    def objective(key, vae, x):
        value, metrics, *_ = vj.objectives.elbo(key, vae, x)
        kl = metrics["kl"] / SIZE if of_kl else metrics["kl"]
        value = metrics["log_likelihood"] / 64 - kl
        return value, {"log_likelihood": metrics["log_likelihood"] / 64, "kl": kl}

    return vj.objectives.over_batch(objective)


SAMPLED = partial(vj.objectives.elbo, kl=vj.objectives.sampled_kl)

MODELS = {
    # With a fault.
    "tiny noise": fixed_noise(0.01),
    "large noise": fixed_noise(1.5),
    "frozen noise": fixed_noise(1.0),
    "unscaled": fixed_noise(10.0),
    "outliers": fixed_noise(0.2),
    "deaf decoder": deaf,
    "autoencoder": autoencoder,
    "few examples": large,
    "few examples, gaussian": of_likelihood(lambda data: vj.models.likelihoods.gaussian(0.1), (256, 256)),
    "dead codes": dead_codes,
    # Healthy.
    "codes": codes(16),
    "learned noise": learned_noise,
    "laplace": of_likelihood(lambda data: vj.models.likelihoods.laplace()),
    "student": of_likelihood(lambda data: vj.models.likelihoods.student_t()),
    "levels": of_likelihood(lambda data: vj.models.likelihoods.discretised_logistic(num_levels=17)),
    "full covariance": of_posterior(vj.models.posteriors.full_covariance()),
    "low rank": of_posterior(vj.models.posteriors.low_rank(1)),
    "mixture": of_posterior(vj.models.posteriors.mixture(2)),
    "sphere": of_posterior(vj.models.posteriors.von_mises_fisher()),
    "two hidden layers": of_likelihood(lambda data: vj.models.likelihoods.bernoulli(), (64, 64)),
}
TRANSFORMS = {
    "tiny noise": scaled,
    "large noise": scaled,
    "frozen noise": scaled,
    "unscaled": multiplied,
    "outliers": with_an_outlier,
    "few examples, gaussian": scaled,
    "learned noise": scaled,
    "laplace": scaled,
    "student": scaled,
    "levels": scaled,
    "static": lambda data: vj.data.binarise_statically(data.max_value),
}
BOUNDS = {
    "autoencoder": vj.objectives.autoencoder,
    "mixture": partial(SAMPLED, num_samples=2, estimator=vj.objectives.leave_one_out),
}
OBJECTIVES = {
    "collapse": weighed(100.0),
    "large beta": weighed(8.0),
    "small beta": weighed(1e-4),
    "mean for sum": means(of_kl=False),
    "means for sums": means(of_kl=True),
    "codes": vj.objectives.quantised_autoencoder,
    "dead codes": vj.objectives.quantised_autoencoder,
    "importance weighted": vj.objectives.over_batch(partial(vj.objectives.iwae, num_samples=5)),
    "renyi": vj.objectives.over_batch(partial(vj.objectives.renyi, num_samples=5, alpha=0.5)),
    "warm up": vj.objectives.over_batch(vj.objectives.elbo, beta=lambda step: jnp.minimum(1.0, step / 300)),
    "mild beta": weighed(1.5),
    "sticking the landing": vj.objectives.over_batch(
        partial(vj.objectives.elbo, kl=vj.objectives.sampled_kl, estimator=vj.objectives.sticking_the_landing)
    ),
}
OPTIMIZERS = {
    "learning rate 0": optax.adam(0.0),
    "learning rate 1": optax.adam(1.0),
    "few examples": optax.adam(3e-3),
}
STEPS = {"few examples": 3_000, "few examples, gaussian": 3_000, "autoencoder": 1_200}

FAULTS = {
    "collapse": {"posterior collapse"},
    "large beta": {"the KL weighs too much", "posterior collapse"},
    "small beta": {"the KL weighs too little"},
    "mean for sum": {"a mean for a sum"},
    "means for sums": {"a mean for a sum"},
    "tiny noise": {"the noise of p(x|z) is too small"},
    "large noise": {"the noise of p(x|z) is too large"},
    "frozen noise": {"the noise of p(x|z) is too large"},
    "unscaled": {"unscaled data"},
    "outliers": {"skipped steps"},
    "deaf decoder": {"posterior collapse"},
    "autoencoder": {"codes and prior do not meet"},
    "few examples": {"overfitting"},
    "few examples, gaussian": {"overfitting", "overfitted encoder"},
    "dead codes": {"dead codes"},
    "leaked": {"leaked splits"},
    "partly leaked": {"leaked splits"},
    "sorted": {"unbalanced splits"},
    "learning rate 0": {"nothing was learned"},
    "learning rate 1": {"nothing was learned", "skipped steps", "diverged"},
}
"""Kind -> the names of the faults, each of which says what is wrong."""
HEALTHY = (
    "bernoulli",
    "codes",
    "learned noise",
    "sticking the landing",
    "laplace",
    "student",
    "levels",
    "static",
    "full covariance",
    "mixture",
    "sphere",
    "two hidden layers",
    "importance weighted",
    "renyi",
    "warm up",
    "mild beta",
    "table",
    "low rank",
    "bernoulli, other seed",
    "learned noise, other seed",
)
