"""The bound that a known configuration reaches: that of the VAE in Flax's own examples."""

from __future__ import annotations

import time

import jax
from benchmarks import ours
from benchmarks.images import binarized_mnist
from benchmarks.settings import BATCH_SIZE, Settings
from benchmarks.tables import Table

import vae_jax as vj
from vae_jax.evaluation import bound_evaluator
from vae_jax.training.advance import advance, start

NUM_EPOCHS = 10
GOAL = 104.0


def tables(settings: Settings) -> list[Table]:
    """784-500-20, batch 128, Adam 1e-3, the 50,000 training images of static binarized MNIST, as in Flax's example."""
    title = f"quality: 784-500-20 MLP on static binarized MNIST, test images, goal {GOAL} after {NUM_EPOCHS} epochs"
    splits = binarized_mnist(settings.data)
    if splits is None:
        return [Table(title, [], (f"left out: there is no npz/binarized_mnist.npz in {settings.data}; give --data",))]
    train, transform = splits["train"], vj.data.already_binary()
    model = ours.mlp_model((500,), train.mean(axis=0))
    trainer, feed = ours.adam_trainer(model), ours.feed_of(train, transform)
    evaluate = bound_evaluator(model, vj.objectives.elbo, transform.apply)
    progress, run_steps, rows = start(trainer, feed, jax.random.key(0)), advance(trainer, feed), []
    began = time.perf_counter()
    for epoch in range(2 if settings.quick else NUM_EPOCHS):
        progress = run_steps(progress, iter(()), feed.num_steps_per_epoch)
        result = evaluate(progress.state.params, splits["test"])
        rows.append({"epoch": epoch + 1, "−ELBO, nats": round(-result["value"], 2), "KL": round(result["kl"], 2),
                     "± (standard error)": round(result["value_standard_error"], 2),
                     "active units": result["active_units"], "seconds": time.perf_counter() - began})  # fmt: skip
    notes = (
        f"Trained on {len(train):,} images, Flax's split 'train' (`valid` unused), batch {BATCH_SIZE}; "
        "the output bias starts at the logit of the mean training image (Flax's example starts at zero); "
        "one sample of z for each image, as there.",
    )
    return [Table(title, rows, notes)]
