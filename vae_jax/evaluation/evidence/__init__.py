"""log p(x) of single examples: importance sampling, annealing from both ends, and how far each can be trusted."""
