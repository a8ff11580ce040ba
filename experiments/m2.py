"""M2: a class and a style, both latent, learned from many digits and a few labels.

Kingma, Rezende, Mohamed & Welling 2014 (arXiv:1406.5298), there 11.97 ± 1.71 % error with 100 labels. The seed draws
the labels, too: a sweep over `--seed 0:5` has five draws.

Measured (docs/results/structure.md): 27.4 ± 1.2 % error over three draws of 100 labels after three epochs, at α = 1.
"""

from dataclasses import dataclass

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.FewLabels):
    pass


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    num_classes, transform = data.num_classes, vj.data.binarise(data)
    told = vj.standard.conditional(config, data.mean(), vj.models.likelihoods.bernoulli(), num_classes)
    classifier = vj.standard.encoder(config, data.example_shape, num_classes)
    model = vj.models.with_latent_class(told, classifier, num_classes=num_classes)
    objective, bound = vj.standard.with_few_labels(config, data, transform), vj.objectives.elbo_over_classes
    measures = vj.evaluation.class_errors(model, transform.apply, data.split("test"))
    return vj.standard.experiment(config, data, model, objective, transform, bound=bound, measures=measures)
