"""M1+M2: M2 on the codes of a VAE, learned from many digits and a few labels.

Kingma, Rezende, Mohamed & Welling 2014 (arXiv:1406.5298), there 3.33 ± 0.14 % error with 100 labels. Both are trained
at once, with no gradient from M2 into M1. M1 alone gives an example the label of the nearest labelled code.

Measured (docs/results/structure.md): 24.3 ± 0.8 % error over three draws of 100 labels after three epochs, at α = 1; M1
alone 26.2 ± 0.2 %.
"""

from dataclasses import dataclass

import vae_jax as vj


@dataclass(frozen=True)
class Config(vj.standard.FewLabels):
    style_size: int = 50
    """Latent dimensions of M2; `latent_size` is that of M1."""
    m2_hidden_sizes: tuple[int, ...] = (200,)
    """Widths of the hidden layers of M2's networks."""


def experiment(config: Config, data: "vj.data.Dataset") -> "vj.Experiment":
    num, code, style, transform = data.num_classes, config.latent_size, config.style_size, vj.data.binarise(data)

    def network(num_inputs: int, num_outputs: int):
        return vj.networks.mlp((num_inputs,), (num_outputs,), config.m2_hidden_sizes, config.activation)

    m1 = vj.standard.fully_connected(config, data.mean(), vj.models.likelihoods.bernoulli())
    encoder = vj.networks.joined(network(code + num, 2 * style))
    decoder = vj.networks.joined(network(style + num, 2 * code))
    model = vj.models.m1_m2(m1, network(code, num), encoder, decoder, num_classes=num, latent_size=style)
    objective = vj.objectives.side_by_side(vj.objectives.elbo, vj.standard.with_few_labels(config, data, transform))
    test, apply = data.split("test"), transform.apply

    def measures(params) -> dict[str, float]:
        labelled = vj.data.few_labels(data, config.num_labels, config.seed)
        of_m1 = vj.evaluation.nearest_code_errors(m1, apply, labelled, test)(params["m1"])
        return vj.evaluation.class_errors(model, apply, test)(params) | {"error_of_m1": of_m1["error"]}

    bound = vj.objectives.elbo_over_classes
    wired = vj.standard.experiment(config, data, model, objective, transform, bound=bound, measures=measures)
    return wired._replace(trainer=vj.trainer(vj.models.apart(m1, model), objective, vj.standard.adam(config)))
