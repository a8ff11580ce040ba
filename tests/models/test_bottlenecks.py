"""Bottlenecks of codes: against numbers of vector-quantize-pytorch, in what each term moves, and as their laws say."""

import functools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vae_jax.distributions import Bernoulli, Coded, kl_divergence, uniform_codes
from vae_jax.models import bottlenecks, likelihoods, quantised
from vae_jax.models.bottlenecks.codebook import Codebook, cluster_means, followed
from vae_jax.networks import mlp
from vae_jax.objectives import quantised_autoencoder, use_of_codes
from vae_jax.untrained import Untrained, trained_part, with_trained_part
from vae_jax.vae import VAE

ENCODED = np.sin(np.arange(1, 13) * 1.7).reshape(4, 3).astype(np.float32)
BOOK = np.cos(np.arange(1, 16) * 2.3).reshape(5, 3).astype(np.float32)
WEIGHTS = np.sin(np.arange(1, 13) * 0.9 + 1).reshape(4, 3).astype(np.float32)
KEY = jax.random.key(0)


def gradient_book(*books):
    """Parameters of codebooks that a gradient trains."""
    vectors = jnp.stack([jnp.asarray(book) for book in books])
    return {"vectors": vectors, "counts": Untrained((jnp.ones(vectors.shape[:2]), jnp.zeros(len(books), int)))}


def results(bottleneck, params, encoded):
    """The posterior; and the gradients, in the parameters and the encoded, of Σ WEIGHTS · value and of the penalty."""

    @jax.jit
    def compute(trained, encoded):
        def of(trained, encoded):
            q = bottleneck.quantise(with_trained_part(params, trained), encoded)
            return ((WEIGHTS * bottleneck.read(q.value)).sum(), jnp.asarray(q.penalty)), q

        (_, _), pull, q = jax.vjp(of, trained, encoded, has_aux=True)
        return q, pull((jnp.ones(()), jnp.zeros(()))), pull((jnp.zeros(()), jnp.ones(())))

    return compute(trained_part(params), jnp.asarray(encoded))


close = partial(np.testing.assert_allclose, rtol=1e-4, atol=2e-6)


# The numbers are those of vector-quantize-pytorch 1.32.0 with PyTorch 2.13.0, on the arrays above: its losses are means
# over the 12 numbers, ours are sums. Its codebook that is trained has one term for both sides, of weight 1 each.
CODEBOOK_SLOPES = 12 * np.array(
    [[0.0491869, 0.0061411, -0.0306780], [-0.0594511, -0.0626428, -0.0109876], [0, 0, 0], [0, 0, 0],
     [-0.2293489, 0.1455233, -0.0618338]]
)  # fmt: skip
ENCODER_SLOPES = 12 * np.array(
    [[0.1561371, -0.1605973, 0.0120886], [0.0732118, 0.0150740, 0.0497453], [0.0594511, 0.0626428, 0.0109876],
     [-0.0491869, -0.0061411, 0.0306780]]
)  # fmt: skip
ROTATED = [
    [0.9360758, -0.3107495, 0.2048355], [-1.1327214, -0.4663266, -0.3738430], [1.2094381, 0.5058784, 0.1112732],
    [-0.3738172, -0.7500549, -0.5628777],
]  # fmt: skip


@pytest.mark.parametrize(("gradient", "passed"), [("straight_through", WEIGHTS), ("rotation", ROTATED)])
def test_a_codebook_is_that_of_the_other_library(gradient, passed):
    vq = bottlenecks.vq(5, 3, gradient=gradient, codebook="gradient", commitment=1.0)
    q, (book_slopes, slopes), (penalty_of_book, penalty_slopes) = results(vq, gradient_book(BOOK), ENCODED)
    assert q.codes.tolist() == [4, 4, 1, 0]
    np.testing.assert_array_equal(q.value, BOOK[q.codes])
    close(q.penalty, 2 * 12 * 0.2080671191215515)
    close(slopes, passed, rtol=1e-3)
    close(penalty_slopes, ENCODER_SLOPES)
    close(penalty_of_book["vectors"][0], CODEBOOK_SLOPES)
    assert not book_slopes["vectors"].any()  # the decoder's gradient goes to the encoder alone


def test_a_codebook_under_a_map_is_that_of_the_other_library():
    params = {"fixed": Untrained(jnp.asarray(BOOK)), "map": jnp.asarray(WEIGHTS[:3])}
    q, (map_slopes, slopes), (penalty_of_map, penalty_slopes) = results(bottlenecks.sim_vq(5, 3), params, ENCODED)
    assert q.codes.tolist() == [0, 0, 0, 1]
    close(q.value[0], [0.1746703, 0.6233112, 0.6002423])
    close(q.value[3], [-1.1214132, -0.3563444, 0.6783987])
    close(q.penalty, 12 * 0.6759604215621948)
    close(slopes, WEIGHTS)
    close(penalty_slopes[0], 12 * np.array([0.0340414, -0.0366188, -0.0635857]))
    of_their_matrix = [[0.0641571, -0.0064662, -0.0555405], [-0.0182619, -0.0254465, 0.0521707],
                       [-0.2842152, -0.0825195, 0.3941768]]  # fmt: skip
    close(penalty_of_map["map"], 12 * np.array(of_their_matrix).T)
    assert not map_slopes["map"].any()


def test_rounded_numbers_are_those_of_the_other_library():
    q, (_, slopes), (_, penalty_slopes) = results(bottlenecks.fsq((8, 5, 4)), (), 3 * ENCODED)
    assert q.codes.tolist() == [15, 39, 152, 128]
    np.testing.assert_array_equal(q.value, [[0.75, -0.5, -1], [0.75, 1, -1], [-1, 1, 0.5], [-1, -0.5, 0.5]])
    expected = [[0.0064562, 0.1958369, -0.0121131], [-0.1248596, -0.0230760, 0.0098945],
                [0.0912674, 0.0214875, 0.0405189], [-0.0078730, -0.8211401, -0.0025799]]  # fmt: skip
    close(slopes, expected)
    assert not penalty_slopes.any()


def test_signs_and_entropies_are_those_of_the_other_library():
    """In a place, and over the batch, which is here an example of four places; the loss of an example has both."""
    lfq = bottlenecks.lfq(3, commitment=0.0, entropy=1.0, diversity=0.7)

    def loss(encoded):
        q = lfq.quantise((), encoded)
        return q.penalty + q.diversity * (q.assignment * jnp.log(q.assignment)).sum(), q

    (value, q), slopes = jax.jit(jax.value_and_grad(loss, has_aux=True))(jnp.asarray(ENCODED))
    assert q.codes.tolist() == [4, 6, 3, 1]
    np.testing.assert_array_equal(q.value, np.sign(ENCODED))
    close(value, 4 * -0.3671662211418152)
    expected = [[-0.0405383, 0.2557014, 0.0422702], [-0.1201318, -0.1047527, 0.0855700],
                [0.0980015, -0.0865351, -0.1099790], [0.0420180, 0.2276858, -0.0424857]]  # fmt: skip
    close(slopes, 4 * np.array(expected), rtol=1e-3)


def test_residual_codebooks_are_those_of_the_other_library():
    """In codes and sum. The gradient reaches the encoder once, whatever the number of codebooks."""
    several = bottlenecks.residual_vq(2, 5, 3, codebook="gradient")
    q, (book_slopes, slopes), (penalty_of_books, _) = results(several, gradient_book(BOOK, 0.3 * BOOK), ENCODED)
    assert q.codes.tolist() == [[4, 0], [4, 0], [1, 4], [0, 0]]
    expected = [[-0.1450406, 0.6743971, -0.7536287], [-0.1450406, 0.6743971, -0.7536287],
                [-0.9583910, 0.6957176, 0.0313110], [-0.8661588, -0.1457983, 1.0604427]]  # fmt: skip
    close(several.read(q.value), expected)
    close(slopes, WEIGHTS)
    assert not book_slopes["vectors"].any()
    first_alone = bottlenecks.vq(5, 3, codebook="gradient")
    _, _, (of_first, _) = results(first_alone, gradient_book(BOOK), ENCODED)
    close(penalty_of_books["vectors"][0], of_first["vectors"][0])  # none flows back through what is left over


EVERY = {
    "vq": bottlenecks.vq(6, 3),
    "vq by gradient": bottlenecks.vq(6, 3, codebook="gradient", gradient="rotation"),
    "residual_vq": bottlenecks.residual_vq(2, 6, 3),
    "fsq": bottlenecks.fsq((3, 4, 5)),
    "lfq": bottlenecks.lfq(3),
    "sim_vq": bottlenecks.sim_vq(6, 3),
}
every = pytest.mark.parametrize("bottleneck", EVERY.values(), ids=EVERY.keys())


@every
def test_codes_and_vectors_name_each_other_and_the_kl_is_the_message(bottleneck):
    @jax.jit
    def of(key):
        params = bottleneck.init(key)
        q = bottleneck.quantise(params, jax.random.normal(key, (2, 4, 3)))
        prior = Coded(
            uniform_codes(bottleneck.codes_shape((2, 4)), bottleneck.num_codes),
            params,
            bottleneck.look_up,
            bottleneck.find,
        )
        drawn, log_prob = prior.sample_and_log_prob(key)
        again = prior.look_up(params, prior.find(params, drawn))
        return q, prior.look_up(params, q.codes), prior.find(params, q.value), (
            kl_divergence(q, prior), q.log_prob(q.value) - prior.log_prob(q.value), -log_prob
        ), drawn, again, bottleneck.read(q.value)  # fmt: skip

    q, looked_up, found, kls, drawn, again, read = of(KEY)
    np.testing.assert_allclose(looked_up, q.value, atol=1e-6)
    np.testing.assert_array_equal(found, q.codes)
    np.testing.assert_array_equal(again, drawn)
    assert read.shape == (2, 4, 3)
    assert 0 <= q.codes.min() <= q.codes.max() < bottleneck.num_codes
    np.testing.assert_allclose(kls, q.codes.size * np.log(bottleneck.num_codes), rtol=1e-5)


def tiny(bottleneck):
    encoder, decoder = mlp((5,), (2, 3), (4,)), mlp((2, 3), (5,), (4,))
    return quantised(encoder, decoder, likelihoods.gaussian(), bottleneck=bottleneck, places=(2,))


@pytest.mark.parametrize("gradient", ["straight_through", "rotation"])
def test_each_term_moves_what_it_should_and_nothing_else(gradient):
    """Reconstruction moves both networks; commitment the encoder; the codebook's own term the codebook."""
    batch = jax.random.normal(KEY, (6, 5))

    @jax.jit
    def slopes(params, reconstruction, commitment, weight):
        model = tiny(
            bottlenecks.vq(4, 3, gradient=gradient, codebook="gradient", commitment=commitment, codebook_weight=weight)
        )

        def value(trained):
            vae = model.bind(with_trained_part(params, trained))
            values, metrics, _ = quantised_autoencoder(KEY, vae, batch, 0)
            return (values - (1 - reconstruction) * metrics["log_likelihood"]).mean()

        return jax.grad(value)(trained_part(params))

    params = jax.jit(tiny(bottlenecks.vq(4, 3, codebook="gradient")).init)(KEY)
    moved = {
        terms: {
            part for part, slope in slopes(params, *map(float, terms)).items()
            if any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(slope))
        }
        for terms in ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    }  # fmt: skip
    assert moved == {(1, 0, 0): {"encoder", "decoder"}, (0, 1, 0): {"encoder"}, (0, 0, 1): {"bottleneck"}}


@functools.cache
def follow(**options):
    """A step of a codebook, compiled."""
    return jax.jit(partial(followed, **{"starts_from_means": False, "revive_below": 0.0} | options))


def test_moving_averages_are_a_quotient_of_sums():
    """Against the sums of the paper's equations, kept beside it for five batches; a code that nobody chose stays."""
    random = np.random.default_rng(0)
    book = Codebook(jnp.asarray(BOOK), jnp.ones(5), jnp.asarray(0))
    count, total = np.ones(5), BOOK.astype(float)
    for _ in range(5):
        codes, inputs = random.integers(0, 4, 20), random.normal(size=(20, 3)).astype(np.float32)
        book = follow(decay=0.9, moves=True)(book, jnp.asarray(codes), jnp.asarray(inputs))
        hot = np.eye(5)[codes] / 4  # in units of the mean, 20 / 5
        count, total = 0.9 * count + 0.1 * hot.sum(axis=0), 0.9 * total + 0.1 * hot.T @ inputs
    np.testing.assert_allclose(book.count, count, rtol=1e-5)
    np.testing.assert_allclose(book.vectors, total / count[:, None], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(book.vectors[4], BOOK[4])
    assert int(book.step) == 5


def test_dead_codes_come_back_as_inputs_and_others_stay():
    book = Codebook(jnp.asarray(BOOK), jnp.array([1.0, 0.05, 1.0, 0.2, 1.0]), jnp.asarray(7))
    inputs = jax.random.normal(KEY, (20, 3))
    after = follow(decay=1.0, moves=False, revive_below=0.1)(book, jnp.full(20, 2), inputs)
    np.testing.assert_array_equal(after.vectors[jnp.array([0, 2, 3, 4])], BOOK[[0, 2, 3, 4]])
    assert (np.asarray(inputs) == np.asarray(after.vectors[1])).all(axis=1).any()
    np.testing.assert_allclose(after.count, [1.0, 1.0, 1.0, 0.2, 1.0])


def test_the_first_step_starts_from_the_means_of_clusters():
    """Of five clusters that are far apart, each is found; a second step does not start again."""
    centres, codes = 10 * BOOK, jnp.arange(200) % 5
    inputs = centres[codes] + 0.01 * jax.random.normal(KEY, (200, 3))
    lloyd = jax.jit(cluster_means)
    means = lloyd(centres + 0.5, inputs, 3)
    np.testing.assert_allclose(means, centres, atol=0.01)
    book = Codebook(jnp.asarray(BOOK), jnp.ones(5), jnp.asarray(0))
    step = follow(decay=0.9, moves=False, starts_from_means=True)
    first = step(book, jnp.zeros(200, int), inputs)
    expected = lloyd(first.vectors, inputs, 1)
    np.testing.assert_allclose(first.vectors, expected, atol=1e-4)  # a fixed point of Lloyd's rounds
    second = step(first, jnp.zeros(200, int), inputs)
    np.testing.assert_array_equal(second.vectors, first.vectors)


def test_usage_and_perplexity():
    codes = jnp.array([[0, 1], [0, 1], [1, 1], [1, 1]])
    usage, perplexity = use_of_codes(codes, 4)
    assert float(usage) == pytest.approx((2 / 4 + 1 / 4) / 2)
    assert float(perplexity) == pytest.approx(np.sqrt(2))


def test_diversity_is_rewarded_over_the_batch():
    """Codes that differ between examples are worth more than equal ones, with equal certainty in each place."""
    lfq = bottlenecks.lfq(3, commitment=0.0, entropy=1.0)
    prior = Coded(uniform_codes((2,), 8), (), lfq.look_up, lfq.find)
    # x is what an encoder would say, and each is equally likely under every code.
    vae = VAE(lambda x: lfq.quantise((), x), lambda z: Bernoulli(jnp.zeros((2, 3))), prior)

    @jax.jit
    def mean_value(encoded):
        return quantised_autoencoder(KEY, vae, encoded, 0)[0].mean()

    one = jnp.full((4, 2, 3), 0.5)
    different = one * jnp.where(jnp.arange(4) % 2, 1, -1)[:, None, None]
    gained = mean_value(different) - mean_value(one)
    # Three bits that are decided alike: the mean assignment is that of one place, mixed with its opposite.
    likely, bits = 1 / (1 + np.exp(-2)), np.arange(8)[:, None] // [4, 2, 1] % 2
    p = np.where(bits, likely, 1 - likely).prod(axis=1)
    mixed = (p + p[::-1]) / 2
    entropy = lambda p: -(p * np.log(p)).sum()
    assert float(gained) == pytest.approx(2 * (entropy(mixed) - entropy(p)), rel=1e-4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: bottlenecks.vq(0, 3), "expected num_codes of at least 1; got 0"),
        (lambda: bottlenecks.vq(4, 3, gradient="none"), "expected gradient as 'straight_through' or 'rotation'"),
        (lambda: bottlenecks.vq(4, 3, codebook="sgd"), "expected codebook as 'gradient' or 'ema'; got 'sgd'"),
        (lambda: bottlenecks.fsq((5, 2)), r"expected levels of at least 3 .*; got \(5, 2\); use lfq for 2"),
        (lambda: bottlenecks.fsq(()), "expected levels of at least 3"),
        (lambda: bottlenecks.lfq(17), "expected num_bits of at most 16.*; got 17; use fsq"),
    ],
)
def test_what_cannot_be_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_wrong_places_and_objectives_are_refused():
    model = tiny(bottlenecks.vq(4, 3))
    params = jax.eval_shape(model.init, KEY)
    wrong = quantised(
        mlp((5,), (3, 3)), mlp((2, 3), (5,)), likelihoods.gaussian(), bottleneck=bottlenecks.lfq(3), places=(2,)
    )
    with pytest.raises(ValueError, match=r"an output of shape \(2, 3\), a vector for each place; got \(3, 3\)"):
        jax.eval_shape(lambda: wrong.bind(wrong.init(KEY)).posterior(jnp.zeros(5)))
    with pytest.raises(ValueError, match="expected an objective that shows its codes to the codebook"):
        model.after(params, {})
    plain = tiny(bottlenecks.vq(4, 3)).bind
    of_points = lambda params: plain(params)._replace(posterior=lambda x: plain(params).prior)
    with pytest.raises(TypeError, match=r"expected a posterior of codes; got a Coded; use models\.quantised"):
        jax.eval_shape(lambda params: quantised_autoencoder(KEY, of_points(params), jnp.zeros((2, 5)), 0), params)
