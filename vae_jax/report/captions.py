"""The captions of the pictures: what each picture is, and what a learner should look for."""

from __future__ import annotations

from collections.abc import Sequence

SAMPLES = (
    "Draws from the prior, decoded: nobody gave the model these. Look for variety and for whole objects; a sample that "
    "is half of one thing and half of another comes from a region that no example was encoded to."
)
SAMPLES_WITHOUT_PRIOR = (
    "Codes drawn from a standard normal, decoded. This model has no KL term, so nothing taught it to use that region: "
    "where these do not look like the data, that is the gap which a variational autoencoder closes."
)
RECONSTRUCTIONS = (
    "Originals above, their reconstructions below. What the lower one lost did not fit through the code: look for "
    "thin strokes and rare shapes, and for an example that came back as a member of another class."
)
SAMPLES_GIVEN = (
    "Draws from the prior, decoded, each row under a condition of its own: nobody gave the model these. A row should "
    "hold what its condition says, and differ in all that it does not say."
)
TEMPERATURES = (
    "Draws from the prior, decoded, the scale of every group multiplied by a temperature: from the top {rows}. The "
    "noise of a column is the same. Rows of a low temperature look tidier and more alike; where they are as varied as "
    "the last row, little of the variety comes from the latents."
)
GROUPS = (
    "Originals above. Below them, draws whose first groups come from the example and all others from the prior: from "
    "the top {rows} of them. Where the originals come back, the groups so far hold what they are; rows that are alike "
    "are groups that say little."
)
KL_PER_GROUP = (
    "How much each group of latents tells about an example, in the order of their names. A group of no height has "
    "died: its posterior is its prior."
)
CLASSES = (
    "Draws from the prior of each latent class, decoded, a row for each. Where the model found the classes of the "
    "data, a row holds one kind; two kinds in a row, or one kind in two, are what it took together or apart."
)
ANALOGIES = (
    "On the left an example, then its code decoded under every condition. What the condition says should change along "
    "a row, and all else, such as slant or width, stay what it is on the left."
)
MANIFOLD = (
    "The whole latent space in one picture: each tile holds the same prior probability, the first latent grows to the "
    "right and the second upwards. Neighbours should change smoothly; blurred tiles are the borders between classes."
)
MANIFOLD_WITHOUT_PRIOR = (
    "The latent space, over a Gaussian fitted to the codes: the first latent grows to the right and the second "
    "upwards. Without a KL term nothing fills the gaps between the codes, and tiles that fall there are not like data."
)
LATENT = (
    "Each point is the code of one example and each colour a class, which the model was never told. Look for clusters "
    "that formed by themselves, and for classes that share a place: those are the ones it confuses."
)
LATENT_WITHOUT_LABELS = (
    "Each point is the code of one example. Look for clusters that formed by themselves, and for stray points: they "
    "are the unusual examples."
)
PRIOR_CIRCLE = " The dashed circle holds 95 % of the prior: codes should fill it, neither collapse nor spill over."
INTERPOLATIONS = (
    "From the first image of a row to the last along a straight line in latent space. Every step between should look "
    "like data; two images fading through each other would mean that the space has a hole there."
)


def traversals(dimensions: Sequence[int], num_deviations: float, ranked_by_kl: bool) -> str:
    """The caption of the traversals, which names the rows, since a grid of tiles has no axis."""
    rank = "largest KL" if ranked_by_kl else "largest variance"
    rows = f"The latent dimensions of {rank} (from the top: {', '.join(map(str, dimensions))})"
    if len(dimensions) == 1:
        rows = f"Latent dimension {dimensions[0]}"
    return (
        f"{rows}, one varied at a time by up to ±{num_deviations:g} standard deviations around the code of one "
        "example, its reconstruction in the middle. Look for a row that changes one thing only, slant or width or "
        "thickness; a row that stays the same is a dimension that the decoder ignores."
    )


def chosen_dimensions(dimensions: tuple[int, int], num_latent: int) -> str:
    """A sentence that names the two dimensions shown of many."""
    first, second = dimensions
    return f" Dimensions {first} and {second} of {num_latent}, the two that carry most: this view hides the rest."


def learning_curves(has_kl: bool) -> str:
    """The caption of the learning curves: what to look for in them."""
    both = "Validation far below training is overfitting; both still rising is a run that ended too early."
    if not has_kl:
        return both
    return (
        both + " The objective is the reconstruction minus the KL, so watch them trade: a KL that falls to zero is a "
        "decoder that ignores its code."
    )


ONE_CONDITION = " All of it under the condition of the first example."
KL_PER_DIMENSION = (
    "How much each latent dimension tells about an example. Bars of no height are dimensions that the model gave back "
    "to the prior: it did not need them, or could not learn to use them."
)
