"""Families of VAEs whose examples have several parts, each as short as the core lets it be: an experiment file.

`kind` chooses one; data, training and evaluation are the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import optax

import vae_jax as vj
from vae_jax.distributions import (
    Bernoulli,
    Categorical,
    Normal,
    Product,
    mixture_of_experts,
    mixture_of_products,
    product_of_experts,
    standard_normal,
)

SIZE, NUM_CLASSES, NUM_CODES, SHAPE = 3, 10, 16, (8, 8)


@dataclass(frozen=True)
class Config:
    """A VAE of one of several families, on digits with their labels."""

    kind: str = "conditional"
    """Which."""
    seed: int = 0
    """Of everything."""
    learning_rate: float = 1e-2
    """Learning rate of Adam."""


def data(config: Config) -> vj.data.Dataset:
    """Digits with their labels."""
    return vj.data.load(vj.DataConfig("digits", parts="condition=label"))


def experiment(config: Config, data: vj.data.Dataset) -> vj.Experiment:
    """Wire it."""
    scaled = vj.data.binarise_dynamically(data.max_value)
    model, transform, bound, *_ = KINDS[config.kind]
    objective = objective_of(config.kind)
    if config.kind == "few_labels":
        objective = few_labels(data, config.seed, scaled)
    return vj.Experiment(
        model=model,
        trainer=vj.trainer(model, objective, optax.adam(config.learning_rate)),
        dataset=data,
        transform=vj.data.chain(vj.data.on_parts(x=scaled, condition=vj.data.one_hot(NUM_CLASSES)), transform),
        budget=vj.Budget(96, num_steps=20, validate_every=10, log_every=7),
        seed=config.seed,
        bound=bound,
        num_samples=20,
    )


def scored(key, vae, x):
    """The ELBO of latents that are not differentiable in their parameters."""
    return vj.objectives.elbo(key, vae, x, num_samples=2, estimator=vj.objectives.leave_one_out)


def networks(**sizes: tuple[int, int]) -> tuple:
    """`init` and `apply(params, name, *inputs)` of perceptrons with a hidden layer."""
    each = {name: vj.networks.mlp((inputs,), (outputs,), (16,)) for name, (inputs, outputs) in sizes.items()}

    def init(key):
        keys = jax.random.split(key, len(each))
        return {name: network.init(key) for (name, network), key in zip(each.items(), keys, strict=True)}

    def apply(params, name, *inputs):
        return each[name].apply(params[name], jnp.concatenate([value.reshape(-1) for value in inputs]))

    return init, apply


def normal(output):
    """A Normal of a network's output."""
    loc, log_scale = jnp.split(output, 2)
    return Normal(loc, jnp.exp(log_scale))


def bernoulli(output):
    """Black and white pixels of a network's output."""
    return Bernoulli(output.reshape(SHAPE))


def conditional() -> vj.Model:
    """p(x, z|c), c a class: Sohn, Lee & Yan 2015."""
    return vj.models.conditional(
        pair(64 + NUM_CLASSES, (2 * SIZE,)),
        pair(SIZE + NUM_CLASSES, SHAPE),
        vj.models.likelihoods.bernoulli(),
        latent_size=SIZE,
        prior=vj.networks.mlp((NUM_CLASSES,), (2 * SIZE,), ()),
    )


def pair(num_inputs, output_shape):
    """A perceptron of an example or a code and a condition."""
    return vj.networks.joined(vj.networks.mlp((num_inputs,), output_shape, (16,)))


def latent_class() -> vj.Model:
    """What `conditional` is told, inferred: Kingma et al. 2014, arXiv:1406.5298, the model M2."""
    classifier = vj.networks.mlp(SHAPE, (NUM_CLASSES,), (16,))
    return vj.models.with_latent_class(conditional(), classifier, num_classes=NUM_CLASSES)


def few_labels(data, seed, transform):
    """Twenty digits whose label is told."""
    images = data.part("x")
    return vj.objectives.semi_supervised(lambda: vj.data.few_labels(images, 20, seed), transform.apply)


def clusters() -> vj.Model:
    """A mixture prior that starts from the codes of six steps of an autoencoder: VaDE, arXiv:1611.05148."""
    encoder, decoder = vj.networks.mlp(SHAPE, (2 * SIZE,), (16,)), vj.networks.mlp((SIZE,), SHAPE, (16,))
    plain = vj.models.gaussian(encoder, decoder, vj.models.likelihoods.bernoulli(), latent_size=SIZE)
    return vj.models.with_clusters(plain, 4, num_pretraining_steps=8, num_kept=200)


def vade_objective():
    """VaDE's, behind eight steps of an autoencoder."""
    return vj.objectives.over_batch(vj.objectives.vade, num_steps_left=lambda step: 8 - step)


def hamiltonian() -> vj.Model:
    """Draws of the encoder that follow the gradient of log p(x, z): Caterini et al. 2018, arXiv:1805.11328."""
    return vj.models.hamiltonian(smooth(), latent_size=SIZE, num_steps=2)


def semi_amortised() -> vj.Model:
    """A posterior that gradient steps refine: Kim et al. 2018, arXiv:1802.02550."""
    return vj.models.semi_amortised(smooth(), num_steps=2, learning_rate=0.05, num_samples=2)


def smooth() -> vj.Model:
    """A VAE whose decoder has a slope everywhere."""
    encoder, decoder = vj.networks.mlp(SHAPE, (2 * SIZE,), (16,)), vj.networks.mlp((SIZE,), SHAPE, (16,), "tanh")
    return vj.models.gaussian(encoder, decoder, vj.models.likelihoods.bernoulli(), latent_size=SIZE)


def along_dynamics(key, vae, x):
    """The ELBO of a position and a momentum."""
    return vj.objectives.elbo(key, vae, x, kl=vj.objectives.hamiltonian_kl)


def semi_supervised() -> vj.Model:
    """A class and a style, the class told for some examples: Kingma et al. 2014, arXiv:1406.5298, the model M2."""
    init, apply = networks(kind=(64, NUM_CLASSES), style=(64, 2 * SIZE), decoder=(SIZE + NUM_CLASSES, 64))

    def bind(params):
        def given(c):
            def posterior(x):
                told = jnp.where(c["label"] > 0, 0.0, -jnp.inf)
                logits = jnp.where(c["has_label"], told, apply(params, "kind", x))
                return Product({"kind": Categorical(logits), "style": normal(apply(params, "style", x))})

            return vj.VAE(
                posterior=posterior,
                likelihood=lambda z: bernoulli(apply(params, "decoder", z["kind"], z["style"])),
                prior=Product({"kind": Categorical(jnp.zeros(NUM_CLASSES)), "style": standard_normal(SIZE)}),
            )

        return vj.Conditional(given)

    return vj.Model(init, bind)


def some_labels(key, example):
    """One in five examples keeps its label."""
    has_label = jax.random.bernoulli(key, 0.2)
    return {"x": example["x"], "condition": {"label": example["condition"], "has_label": has_label}}


def multimodal(joined) -> vj.Model:
    """Two modalities, an image and a word, each an expert of q(z|x) and each sometimes missing."""
    perceptron, likelihoods = vj.networks.mlp, vj.models.likelihoods
    image = perceptron(SHAPE, (2 * SIZE,), (16,)), perceptron((SIZE,), SHAPE, (16,)), likelihoods.bernoulli()
    word = vj.models.likelihoods.Likelihood(
        lambda key: (), lambda params, output: Categorical(output), lambda shape: shape, lambda mean: mean
    )
    word = perceptron((NUM_CLASSES,), (2 * SIZE,), (16,)), perceptron((SIZE,), (NUM_CLASSES,), (16,)), word
    parts = {"image": vj.models.Modality(*image), "word": vj.models.Modality(*word)}
    return vj.models.multimodal(parts, latent_size=SIZE, joined=joined)


def image_and_word(key, example):
    """Both are modelled, one of them or both present."""
    both = {"image": example["x"], "word": example["condition"]}
    return vj.data.some_present("image", "word").apply(key, both)


def recurrent() -> vj.Model:
    """Rows of an image, as many as there are, read and written one by one: Bowman et al. 2016, arXiv:1511.06349."""
    init, apply = networks(read=(16 + 8, 16), code=(16, 2 * SIZE), start=(SIZE, 16), write=(16, 16 + 8))

    def bind(params):
        def given(length):
            is_there = jnp.arange(8) < length

            def posterior(x):
                def read(state, row_and_is_there):
                    row, is_there = row_and_is_there
                    return jnp.where(is_there, jnp.tanh(apply(params, "read", state, row)), state), None

                state, _ = jax.lax.scan(read, jnp.zeros(16), (x, is_there))
                return normal(apply(params, "code", state))

            def likelihood(z):
                def write(state, _):
                    state, row = jnp.split(apply(params, "write", state), [16])
                    return jnp.tanh(state), row

                _, rows = jax.lax.scan(write, apply(params, "start", z), length=8)
                return Bernoulli(jnp.where(is_there[:, None], rows, -jnp.inf))

            return vj.VAE(posterior, likelihood, standard_normal(SIZE))

        return vj.Conditional(given)

    return vj.Model(init, bind)


def some_rows(key, example):
    """The first four to eight rows; the others are black."""
    length = jax.random.randint(key, (), 4, 9)
    return {"x": jnp.where((jnp.arange(8) < length)[:, None], example["x"], 0), "condition": length}


def hierarchical() -> vj.Model:
    """Two groups of latents, the lower given the upper: Sønderby et al. 2016, arXiv:1602.02282."""
    init, apply = networks(up=(64, 8), top=(8, 4), between=(2, 6), bottom=(8 + SIZE, 2 * SIZE), out=(SIZE, 64))
    groups = {
        "top": vj.hierarchy.Group(
            lambda params, state: standard_normal(2),
            lambda params, state, features: normal(apply(params, "top", features)),
            lambda params, state, z: normal(apply(params, "between", z)),
        ),
        "bottom": vj.hierarchy.Group(
            lambda params, state: state,
            lambda params, state, features: normal(apply(params, "bottom", features, state.loc)),
            lambda params, state, z: z,
        ),
    }
    bind = vj.hierarchy.top_down(
        groups,
        start=lambda params: (),
        features=lambda params, x: jnp.tanh(apply(params, "up", x)),
        read=lambda params, z: bernoulli(apply(params, "out", z)),
    )
    return vj.Model(init, bind)


def ladder() -> vj.Model:
    """Three rungs, two of them on grids of one size: Sønderby et al. 2016, arXiv:1602.02282."""
    return vj.models.convolutional_ladder(
        jnp.full(SHAPE, 0.5),
        vj.models.likelihoods.bernoulli(),
        sides=(4, 4, 2),
        channels=(8, 8, 8),
        latent_size=2,
    )


def very_deep() -> vj.Model:
    """Five groups in three loops: Child 2021, arXiv:2011.10650."""
    return vj.models.very_deep(
        jnp.full(SHAPE, 0.5),
        vj.models.likelihoods.bernoulli(),
        resolutions=(1, 4, 8),
        num_blocks=(1, 2, 2),
        width=8,
        latent_size=2,
        rematerialise=True,
    )


def codes() -> vj.Model:
    """Four codes an image, their vectors moving averages: van den Oord et al. 2017, arXiv:1711.00937, appendix A.1."""
    encoder, decoder = vj.networks.mlp(SHAPE, (4, SIZE), (16,)), vj.networks.mlp((4, SIZE), SHAPE, (16,))
    bottleneck = vj.models.bottlenecks.vq(NUM_CODES, SIZE)
    model = vj.models.quantised(encoder, decoder, vj.models.likelihoods.bernoulli(), bottleneck=bottleneck, places=(4,))
    return vj.models.with_code_prior(model, "masked", width=8, num_blocks=1, num_heads=1, num_rounds=2)


def image_alone(key, example):
    """The label is left out."""
    return example["x"]


def as_it_is(key, example):
    """Nothing is done to it."""
    return example


elbo, of_codes, of_image = vj.objectives.elbo, vj.objectives.quantised_autoencoder, vj.data.Transform(image_alone, "x")
of_both = vj.data.Transform(image_and_word, "both")
# kind -> its model, what it sees of an example, its bound, and its objective if that is not the bound of each example.
KINDS = {
    "clusters": (clusters(), of_image, vj.objectives.vade, vade_objective()),
    "codes": (codes(), of_image, elbo, of_codes),
    "conditional": (conditional(), vj.data.Transform(as_it_is, "as it is"), elbo),
    "few_labels": (latent_class(), of_image, vj.objectives.elbo_over_classes),
    "hamiltonian": (hamiltonian(), of_image, along_dynamics),
    "hierarchical": (hierarchical(), of_image, elbo),
    "ladder": (ladder(), of_image, elbo),
    "mixture_of_experts": (multimodal(mixture_of_experts), of_both, vj.objectives.stratified_elbo),
    "mixture_of_products": (multimodal(mixture_of_products), of_both, vj.objectives.stratified_elbo),
    "product_of_experts": (multimodal(product_of_experts), of_both, elbo),
    "recurrent": (recurrent(), vj.data.Transform(some_rows, "some rows"), elbo),
    "semi_amortised": (semi_amortised(), of_image, elbo),
    "semi_supervised": (semi_supervised(), vj.data.Transform(some_labels, "some labels"), scored),
    "very_deep": (very_deep(), of_image, elbo),
}


def objective_of(kind: str):
    """The objective of a batch."""
    _, _, bound, *own = KINDS[kind]
    return own[0] if own else vj.objectives.over_batch(bound)
