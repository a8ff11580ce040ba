"""A trained model at work: data of its kind become codes, scores and reconstructions, and codes become data."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from vae_jax import generation
from vae_jax.data.columns import classes_of_columns
from vae_jax.data.examples import abstract_example, examples_of
from vae_jax.data.files.rows import values_of
from vae_jax.data.like import like
from vae_jax.distributions import Normal, centre, has_density
from vae_jax.distributions.centre import is_on_sphere
from vae_jax.evaluation.bound import of_one
from vae_jax.evaluation.every_example import over_rows, over_stored
from vae_jax.evaluation.evidence.importance_sampling import log_likelihood_of
from vae_jax.experiment import Experiment
from vae_jax.hierarchy import at_temperature, with_top
from vae_jax.keys import key_of
from vae_jax.latent_classes import of_class
from vae_jax.messages import UsageError
from vae_jax.parallel.mesh import own_mesh
from vae_jax.runs.begin import open_run
from vae_jax.runs.chosen import conditions_of, in_class
from vae_jax.runs.run import Run, Selection
from vae_jax.runs.samplers import Sampler, fitted_to_codes
from vae_jax.types import Distribution, Key, Params
from vae_jax.vae import VAE, Conditional, given, of_each_vae


@own_mesh()
def open(path: str | Path, *, select: Selection = "best", accept_data: bool = False) -> Trained:
    """The trained model of a run directory or of a lane of a sweep; nothing is evaluated or written.

    Args:
        path: The directory.
        select: The checkpoint: the best by the validation bound, or the latest.
        accept_data: Take other data than the run was begun with, and note them in its `data.json`.

    Raises:
        UsageError: If there is no run, its data are others than they were, or another process is training it.
        RunError: If there is no checkpoint that can be read.
    """
    return trained_of(open_run(path, accept_data=accept_data), select)


@own_mesh()
def trained_of(run: Run, select: Selection = "best") -> Trained:
    """The trained model of a run, with the parameters of one of its checkpoints.

    Raises:
        RunError: If there is no checkpoint that can be read.
    """
    params, selection = run.params(select)
    return Trained(run.experiment, params, config=run.config, step=selection["checkpoint_step"])


class Trained:
    """A trained model with its parameters and what it knows of its data.

    Data go in as they are stored: images of bytes as bytes, rows of a table as a frame or a dict of columns, never
    scaled by hand; they are checked and transformed as in training. Data come out in the same units: arrays, and rows
    as a dict of columns in their kinds. All functions take any number of examples, compile once, and work in bounded
    memory. A transform that draws (a dynamic binarisation) draws by the place of an example, as in every evaluation.

    Args:
        experiment: The experiment that it was trained in.
        params: Its parameters.
        config: The experiment's `Config`.
        step: The step of the checkpoint that the parameters are from.
    """

    def __init__(self, experiment: Experiment, params: Params, *, config: Any = None, step: int | None = None) -> None:
        self.experiment = experiment
        self.params = params
        self.config = config
        self.step = step

    def __repr__(self) -> str:
        return f"Trained({self.config!r}, step={self.step})"

    @cached_property
    def vae(self) -> VAE | Conditional:
        """The model, parameters bound: what `vae_jax.generation` and every objective take."""
        return self.experiment.model.bind(self.params)

    def encode(self, data: Any) -> Any:
        """The codes of examples: the mean of q(z|x), on a sphere its direction.

        Args:
            data: (num, *example_shape), or whatever `like` takes: a frame, a dict of columns or of parts, a `Split`.

        Returns:
            (num, *latent), or, for a hierarchy, a pytree of such arrays.

        Raises:
            UsageError: If the data are of another kind than the run's.
        """
        return self._codes(self.params, self._like(data))

    def posterior(self, data: Any) -> dict[str, Any]:
        """The codes of examples with what is uncertain about them.

        Args:
            data: As of `encode`.

        Returns:
            `mean` as of `encode`; `scale`, the standard deviations, where q(z|x) is a diagonal normal; and `sample`, a
            draw z ~ q(z|x), by the place of an example.

        Raises:
            UsageError: If the data are of another kind than the run's.
        """
        return self._posteriors(self.params, self._like(data))

    def decode(self, codes: Any, *, label: str | int | None = None, conditions: Any = None) -> Any:
        """The data of codes: the mean of p(x|z).

        Args:
            codes: (num, *latent), or a pytree of such arrays, for a hierarchy.
            label: For a conditional model, the class under which all are decoded, by its number or name; None for
                equally many under each.
            conditions: For a conditional model, in place of a label: a condition each, as the model sees them.

        Raises:
            UsageError: If a label or conditions are given to a model that has none, or the data have no such label.
        """
        num = len(jax.tree.leaves(codes)[0])
        if conditions is None:
            conditions = self._conditions(num, label)
        elif not isinstance(self.vae, Conditional):
            raise UsageError("expected a conditional model for conditions=; this one has none; leave them out")
        return self._as_data(self._decoded(self.params, *_rows(codes, conditions)))

    def sample(
        self,
        num: int,
        *,
        seed: int = 0,
        label: str | int | None = None,
        mean: bool | None = None,
        sampler: Sampler = "prior",
        temperature: float | None = None,
    ) -> Any:
        """New data: z ~ p(z), then p(x|z).

        Args:
            num: The number of examples.
            seed: Seed of the draw.
            label: For a conditional model, the class, by its number or name, None for equally many of each; for one
                with latent classes, the number of one.
            mean: Whether to take the mean of p(x|z), as is usual for images; False draws x ~ p(x|z), so that rows vary
                as the data do. Default: False for tables alone.
            sampler: The density that z is drawn from: the prior, or one that is fitted to the codes of training
                examples: "gaussian_mixture", "flow" or "two_stage", as `vae_jax.aggregate` has them.
            temperature: A factor > 0 that the scale of a normal prior is multiplied by, in each group of a hierarchy.

        Raises:
            UsageError: If a label is given to a model that has neither conditions nor classes, the data have no such
                label, the codes are none that a density is fitted to, or no normal prior has a temperature.
        """
        if temperature is not None and not 0 < temperature < math.inf:
            raise UsageError(f"expected a temperature above 0; got {temperature}")
        mean = not self.experiment.dataset.columns if mean is None else mean
        keys = jax.random.split(key_of(seed), num)
        of_label = None if label is None else str(label)
        _, left = in_class(self.vae, of_label)
        # A model with latent classes takes the number of one in place of a condition.
        given = np.full(num, int(of_label)) if of_label is not None and left is None else self._conditions(num, left)
        changed = (fitted_to_codes(self, sampler, seed), temperature)
        try:
            return self._as_data((self._means if mean else self._draws)((self.params, *changed), *_rows(keys, given)))
        except TypeError as error:
            if changed == (None, None):
                raise
            raise UsageError(f"this model cannot be sampled from so: {error}") from error

    def reconstruct(self, data: Any) -> Any:
        """Data after a pass through the bottleneck, without any noise; of categories the likeliest."""
        return self._as_data(self._reconstructed(self.params, self._like(data)))

    def interpolate(self, a: Any, b: Any, num: int) -> Any:
        """`num` points on the straight line between the codes of two examples, on a sphere on the arc, decoded.

        Args:
            a: The example at the start, as it is stored, without an axis of examples.
            b: The example at the end.
            num: The number of points, ends included.

        Raises:
            UsageError: If the model has conditions, or a code that is not one vector.
        """
        if isinstance(self.vae, Conditional):
            raise UsageError("expected a model without conditions to interpolate; decode codes under a label instead")
        start, end = (self.encode(jax.tree.map(lambda part: np.asarray(part)[None], one)) for one in (a, b))
        if np.ndim(start) != 2:
            raise UsageError("expected codes that are one vector each to interpolate; this model's have another shape")
        on_sphere = is_on_sphere(self.vae.prior)
        return self.decode(generation.interpolation_codes(start[0], end[0], num, on_sphere=on_sphere))

    def log_prob(self, data: Any, *, num_samples: int | None = None) -> Float[np.ndarray, " num"]:
        """Estimates of log p(x), nats per example of what the model sees, by importance sampling; in expectation low.

        Args:
            data: As of `encode`.
            num_samples: K; None for the experiment's own.

        Raises:
            UsageError: If the data are of another kind than the run's, or the codes have no density.

        Source: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, section 5.
        """
        if not self._has_density:
            raise UsageError(
                "expected a posterior with a density to estimate log p(x); an autoencoder's codes have none"
            )
        examples = self._like(data)
        num_samples = self.experiment.num_samples if num_samples is None else num_samples
        return self._log_likelihood(num_samples)(self.params, examples).estimate

    def scores(self, data: Any) -> dict[str, Float[np.ndarray, " num"]]:
        """Numbers of each example, nats: `value`, the experiment's bound, its metrics, and the `squared_error`.

        Args:
            data: As of `encode`.

        Raises:
            UsageError: If the data are of another kind than the run's.
        """
        found = self._scores(self.params, self._like(data))
        return {name: values for name, values in found.items() if name != "code"}

    def _like(self, data: Any) -> Any:
        return like(self.experiment.dataset, data)

    def _conditions(self, num: int, label: str | int | None) -> Any:
        return conditions_of(self.experiment, self.vae, num, None if label is None else str(label))[0]

    def _as_data(self, stored: Any) -> Any:
        columns = self.experiment.dataset.columns
        return values_of(columns, np.asarray(stored)) if columns else stored

    @cached_property
    def _has_density(self) -> bool:
        stored = abstract_example(self.experiment.dataset.train.examples)

        def posterior(stored: Any) -> Any:
            vae, x = self.experiment.fitted(self.params).at(key_of(0), stored)
            return vae.posterior(x)

        return has_density(jax.eval_shape(posterior, stored))

    # Each is compiled when it is first used, for parameters as an argument.

    @cached_property
    def _posteriors(self) -> Callable[..., Any]:
        def posterior(transform_key: Key, key: Key, params: Params, stored: Any) -> dict[str, Any]:
            vae, x = self.experiment.fitted(params).at(transform_key, stored)
            found = vae.posterior(x)
            mean = centre(found)
            scale = {"scale": jnp.broadcast_to(found.scale, mean.shape)} if isinstance(found, Normal) else {}
            return {"mean": mean, **scale, "sample": found.sample(key)}

        return over_stored(posterior)

    @cached_property
    def _codes(self) -> Callable[..., Any]:
        def code(transform_key: Key, key: Key, params: Params, stored: Any) -> Any:
            vae, x = self.experiment.fitted(params).at(transform_key, stored)
            return centre(vae.posterior(x))

        return over_stored(code)

    @cached_property
    def _scores(self) -> Callable[..., Any]:
        return over_stored(partial(of_one, self.experiment.fitted))

    @cached_property
    def _log_likelihood(self) -> Callable[[int], Callable[..., Any]]:
        return cache(lambda num_samples: log_likelihood_of(self.experiment.fitted, num_samples=num_samples))

    @cached_property
    def _reconstructed(self) -> Callable[..., Any]:
        num_classes = classes_of_columns(self.experiment.dataset.columns)

        def reconstruction(transform_key: Key, key: Key, params: Params, stored: Any) -> Any:
            vae, x = self.experiment.fitted(params).at(transform_key, stored)
            return self._to_stored(generation.reconstruct_one(vae, x, num_classes))

        return over_stored(reconstruction)

    @cached_property
    def _decoded(self) -> Callable[..., Any]:
        def decoded(params: Params, z: Any, condition: Any = None) -> Any:
            return self._to_stored(given(self._bind(params), condition).likelihood(z).mean())

        return over_rows(decoded)

    @cached_property
    def _means(self) -> Callable[..., Any]:
        return self._sampled(mean=True)

    @cached_property
    def _draws(self) -> Callable[..., Any]:
        return self._sampled(mean=False)

    def _sampled(self, *, mean: bool) -> Callable[..., Any]:
        def sampled(of: tuple[Params, Distribution | None, Any], key: Key, condition: Any = None) -> Any:
            params, codes, temperature = of
            vae = self._bind(params)
            if temperature is not None:
                vae = of_each_vae(lambda vae: at_temperature(vae, temperature), vae)
            if codes is not None:
                vae = of_each_vae(lambda vae: vae._replace(prior=with_top(vae.prior, codes)), vae)
            if condition is not None and isinstance(vae, VAE):
                vae, condition = of_class(vae, condition), None
            return self._to_stored(generation.sample_one(key, vae, condition, mean=mean))

        return over_rows(sampled)

    @property
    def _bind(self) -> Callable[[Params], VAE | Conditional]:
        return self.experiment.model.bind

    @property
    def _to_stored(self) -> Callable[[Any], Any]:
        return self.experiment.transform.to_stored


def _rows(arrays: Any, conditions: Any) -> tuple[Any, ...]:
    """Arrays that are taken row by row; the conditions are left out where there are none."""
    return tuple(examples_of(each) for each in (arrays, conditions) if each is not None)
