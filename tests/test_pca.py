"""PCA and probabilistic PCA against scikit-learn, scipy and what they must satisfy by construction."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA as SklearnPCA

from vae_jax.pca import decode, encode, pca, principal_angles
from vae_jax.probabilistic_pca import ProbabilisticPCA, exact_posterior, marginal_log_prob, probabilistic_pca

# Compiled once a shape; what they refuse is refused while tracing.
fit = jax.jit(pca, static_argnames=("latent_size", "method"))
fit_probabilistic = jax.jit(probabilistic_pca, static_argnames="latent_size")
angles_between = jax.jit(principal_angles)
per_example_log_prob = jax.jit(jax.vmap(marginal_log_prob, (None, 0)))

NUM_EXAMPLES, DATA_SIZE, LATENT_SIZE = 60, 6, 2
METHODS = ("eigh", "svd")


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


@pytest.fixture
def data() -> np.ndarray:
    """Correlated data with a distinct spectrum and a mean far from zero."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(DATA_SIZE, DATA_SIZE)) * np.array([3.0, 2.0, 1.0, 0.5, 0.3, 0.1])
    return rng.normal(size=(NUM_EXAMPLES, DATA_SIZE)) @ mixing.T + 5.0


@pytest.mark.parametrize("method", METHODS)
def test_agrees_with_sklearn(data, method):
    """Same directions with the same signs; scikit-learn divides by N − 1."""
    fitted, other = fit(data, DATA_SIZE, method), SklearnPCA(DATA_SIZE, svd_solver="full").fit(data)
    np.testing.assert_allclose(fitted.mean, other.mean_, rtol=1e-12)
    np.testing.assert_allclose(fitted.components.T, other.components_, atol=1e-10)
    variances = other.explained_variance_ * (NUM_EXAMPLES - 1) / NUM_EXAMPLES
    np.testing.assert_allclose(fitted.eigenvalues, variances, rtol=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_the_entry_of_largest_magnitude_is_positive(data, method):
    """Also for the mirrored data, whose raw eigenvectors may come with the other sign."""
    for sample in (data, -data):
        components = np.asarray(fit(sample, DATA_SIZE, method).components)
        assert (components[np.abs(components).argmax(axis=0), np.arange(DATA_SIZE)] > 0).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("num_examples", [NUM_EXAMPLES, 4])
def test_reconstruction_error_is_the_sum_of_the_eigenvalues_left_out(data, method, num_examples):
    """With four examples the covariance has rank three, and `svd` returns fewer values than dimensions."""
    sample = data[:num_examples]
    fitted = fit(sample, LATENT_SIZE, method)
    again = jax.vmap(lambda x: decode(fitted, encode(fitted, x)))(sample)
    error = np.square(sample - again).sum(axis=1).mean()
    np.testing.assert_allclose(error, fitted.eigenvalues[LATENT_SIZE:].sum(), rtol=1e-9)
    np.testing.assert_allclose(fitted.eigenvalues.sum(), sample.var(axis=0).sum(), rtol=1e-12)
    assert fitted.eigenvalues.shape == (DATA_SIZE,)
    assert error > 1e-3


def test_svd_keeps_the_small_directions_that_the_covariance_squares_away():
    """Standard deviations 1 and 1e-10: their squares span more than float64's 16 digits."""
    rng = np.random.default_rng(1)
    rotation = np.array([[0.6, -0.8], [0.8, 0.6]])
    data = (rng.normal(size=(50, 2)) * np.array([1.0, 1e-10])) @ rotation
    truth = np.linalg.svd(data - data.mean(axis=0), compute_uv=False) ** 2 / 50
    np.testing.assert_allclose(fit(data, 1, "svd").eigenvalues, truth, rtol=1e-4)
    assert not np.allclose(fit(data, 1, "eigh").eigenvalues[1], truth[1], rtol=0.01, atol=0)


def test_integers_and_low_precision_are_computed_in_float32_at_least():
    with jax.enable_x64(False):
        images = np.random.default_rng(0).integers(0, 256, size=(20, 4)).astype(np.uint8)
        fitted = fit(images, 2)
        assert fitted.components.dtype == jnp.float32
        np.testing.assert_allclose(fitted.eigenvalues.sum(), images.astype(float).var(axis=0).sum(), rtol=1e-5)
        assert fit(jnp.asarray(images / 256, jnp.bfloat16), 2).components.dtype == jnp.float32


def test_runs_under_jit(data):
    compiled = jax.jit(pca, static_argnames=("latent_size", "method"))(data, latent_size=LATENT_SIZE)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), compiled, pca(data, LATENT_SIZE))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: pca(x, 7), "expected a latent_size between 1 and 6, .* got 7; choose a smaller one"),
        (lambda x: pca(x[:3], 4), "expected a latent_size between 1 and 3, .* 3 examples and 6 .* got 4"),
        (lambda x: pca(x, 0), "expected a latent_size between 1 and 6, .* got 0"),
        (lambda x: pca(x[0], 1), r"expected a matrix with one example a row; got shape \(6,\); flatten"),
        (lambda x: pca(x[:0], 1), r"expected a matrix with one example a row; got shape \(0, 6\)"),
        (lambda x: pca(x.reshape(-1, 2, 3), 1), r"got shape \(60, 2, 3\); flatten images"),
        (lambda x: pca(x, 1, "qr"), "expected the method 'eigh' or 'svd'; got 'qr'"),  # type: ignore[arg-type]
        (lambda x: probabilistic_pca(x, 6), "expected a latent_size below 6, .* got 6, which leaves no variance"),
        (lambda x: probabilistic_pca(x[:4], 3), "expected a latent_size below 3, .* got 3, which leaves no variance"),
        (lambda x: principal_angles(x.T, x.T), "expected two matrices of d rows and at most d columns.* transpose"),
        (lambda x: principal_angles(x[:, :2], x[:9, :2]), r"got shapes \(60, 2\) and \(9, 2\)"),
    ],
)
def test_errors_teach(unchecked_shapes, data, call, message):
    with pytest.raises(ValueError, match=message):
        call(data)


def test_largest_latent_sizes_are_accepted(data):
    assert fit(data[:3], 3).components.shape == (DATA_SIZE, 3)
    assert np.isfinite(fit_probabilistic(data[:4], 2).log_likelihood)
    assert np.isfinite(fit_probabilistic(data, 5).log_likelihood)


# Probabilistic PCA


def test_probabilistic_pca_scores_as_sklearn(data):
    """scikit-learn evaluates the N − 1 covariance on the data: undo that by rescaling the data about their mean."""
    model = fit_probabilistic(data, LATENT_SIZE)
    other = SklearnPCA(LATENT_SIZE, svd_solver="full").fit(data)
    per_example = per_example_log_prob(model, data)
    np.testing.assert_allclose(per_example.mean(), model.log_likelihood, rtol=1e-12)

    # Data spread by √(N/(N−1)) have the 1/N covariance that scikit-learn's fit had, so both fit the same density.
    spread = data.mean(axis=0) + (data - data.mean(axis=0)) * np.sqrt(NUM_EXAMPLES / (NUM_EXAMPLES - 1))
    same = fit_probabilistic(spread, LATENT_SIZE)
    held_out = data + np.random.default_rng(5).normal(size=data.shape)
    np.testing.assert_allclose(per_example_log_prob(same, held_out), other.score_samples(held_out), rtol=1e-10)
    assert model.log_likelihood > other.score(data)  # the 1/N fit is the maximum


def test_marginal_is_the_gaussian_that_it_says(data):
    """Against scipy on held-out points, also for a W that no fit would give."""
    model = fit_probabilistic(data, LATENT_SIZE)
    rng = np.random.default_rng(2)
    arbitrary = model._replace(weight=jnp.asarray(rng.normal(size=(DATA_SIZE, LATENT_SIZE))))
    held_out = rng.normal(size=(7, DATA_SIZE)) + 5
    for candidate in (model, arbitrary):
        covariance = candidate.weight @ candidate.weight.T + candidate.noise_scale**2 * np.eye(DATA_SIZE)
        expected = multivariate_normal(candidate.mean, covariance).logpdf(held_out)
        np.testing.assert_allclose(per_example_log_prob(candidate, held_out), expected, rtol=1e-11)


def test_marginal_keeps_its_digits_in_float32_when_the_noise_is_small():
    """‖x‖² − ‖projection‖² over σ² would cancel: with σ = 1e-3 the textbook Woodbury form is wrong by whole nats."""
    rng = np.random.default_rng(3)
    size = 50
    weight, noise_scale = rng.normal(size=(size, 3)).astype(np.float32), np.float32(1e-3)
    x = (weight @ rng.normal(size=3) + noise_scale * rng.normal(size=size)).astype(np.float32)
    expected = multivariate_normal(
        np.zeros(size), weight.astype(float) @ weight.T.astype(float) + float(noise_scale) ** 2 * np.eye(size)
    ).logpdf(x.astype(float))
    with jax.enable_x64(False):
        model = ProbabilisticPCA(jnp.zeros(size), jnp.asarray(weight), jnp.asarray(noise_scale), jnp.zeros(()))
        value = per_example_log_prob(model, x[None])[0]
    gram = weight.T @ weight + noise_scale**2 * np.eye(3, dtype=np.float32)
    textbook = (x @ x - (x @ weight) @ np.linalg.solve(gram, weight.T @ x)) / noise_scale**2
    truth = x.astype(float) @ np.linalg.solve(
        weight.astype(float) @ weight.T.astype(float) + float(noise_scale) ** 2 * np.eye(size), x.astype(float)
    )
    assert abs(textbook - truth) > 1
    np.testing.assert_allclose(value, expected, atol=0.05)


def test_no_other_model_is_more_likely(data):
    """The maximum: a step along any of many random directions in (W, log σ, μ) loses likelihood."""
    model = fit_probabilistic(data, LATENT_SIZE)
    rng = np.random.default_rng(4)

    def mean_log_prob(scale, d_weight, d_log_noise, d_mean):
        moved = model._replace(
            weight=model.weight + scale * d_weight,
            noise_scale=model.noise_scale * jnp.exp(scale * d_log_noise),
            mean=model.mean + scale * d_mean,
        )
        return per_example_log_prob(moved, data).mean()

    directions = [rng.normal(size=(20, *shape)) for shape in ((DATA_SIZE, LATENT_SIZE), (), (DATA_SIZE,))]
    along_all = jax.jit(jax.vmap(jax.value_and_grad(mean_log_prob), (None, 0, 0, 0)))
    np.testing.assert_allclose(along_all(0.0, *directions)[1], 0.0, atol=1e-10)
    for scale in (-0.05, 0.05):
        assert (along_all(scale, *directions)[0] < model.log_likelihood).all()


def test_exact_posterior_is_bayes_rule(data):
    """For every z, log p(z) + log p(x|z) − log p(z|x) = log p(x); at R = I the posterior's covariance is diagonal."""
    model = fit_probabilistic(data, LATENT_SIZE)
    posterior = jax.jit(exact_posterior)(model)
    x = data[0]
    location = posterior.weight @ (x - model.mean)
    log_marginal = per_example_log_prob(model, data[:1])[0]
    for z in np.random.default_rng(6).normal(size=(5, LATENT_SIZE)):
        joint = multivariate_normal(np.zeros(LATENT_SIZE)).logpdf(z) + multivariate_normal(
            model.weight @ z + model.mean, model.noise_scale**2
        ).logpdf(x)
        log_posterior = multivariate_normal(location, np.diag(posterior.scale**2)).logpdf(z)
        np.testing.assert_allclose(joint - log_posterior, log_marginal, rtol=1e-10)
    eigenvalues = fit(data, LATENT_SIZE).eigenvalues[:LATENT_SIZE]
    np.testing.assert_allclose(posterior.scale, model.noise_scale / np.sqrt(eigenvalues), rtol=1e-10)


# Principal angles


def bases_at(angles: list[float], size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Two bases of a size-dimensional space at these principal angles, rotated, mixed and rescaled to hide it."""
    rng = np.random.default_rng(7)
    q = len(angles)
    frame, _ = np.linalg.qr(rng.normal(size=(size, size)))
    a, b = frame[:, :q], frame[:, :q] * np.cos(angles) + frame[:, q : 2 * q] * np.sin(angles)
    return a @ rng.normal(size=(q, q)) * 100, b @ rng.normal(size=(q, q))


@pytest.mark.parametrize(
    "angles", [[1e-12, 1e-8, 1e-3], [0.0, 0.5, np.pi / 2], [np.pi / 2 - 1e-9, np.pi / 2, np.pi / 2]]
)
def test_principal_angles_known_by_construction(angles):
    np.testing.assert_allclose(angles_between(*bases_at(angles)), angles, rtol=1e-6, atol=2e-14)


def test_an_arc_cosine_alone_would_not_see_them():
    """What the sine is for."""
    a, b = (np.linalg.qr(basis)[0] for basis in bases_at([1e-9, 2e-9, 3e-9]))
    with np.errstate(invalid="ignore"):
        naive = np.arccos(np.linalg.svd(a.T @ b, compute_uv=False))
    assert not np.allclose(naive, [1e-9, 2e-9, 3e-9], rtol=0.5)
    np.testing.assert_allclose(angles_between(*bases_at([1e-9, 2e-9, 3e-9])), [1e-9, 2e-9, 3e-9], rtol=1e-4)


def test_principal_angles_of_subspaces_of_different_size():
    """A line against a plane: one angle, in either order."""
    plane, line = np.eye(3)[:, :2], np.array([[1.0], [1.0], [np.sqrt(2.0)]])
    np.testing.assert_allclose(angles_between(plane, line), [np.pi / 4], rtol=1e-12)
    np.testing.assert_allclose(angles_between(line, plane), [np.pi / 4], rtol=1e-12)


def test_methods_find_the_same_subspace(data):
    angles = angles_between(fit(data, 3, "eigh").components, fit(data, 3, "svd").components)
    np.testing.assert_allclose(angles, 0.0, atol=1e-12)
