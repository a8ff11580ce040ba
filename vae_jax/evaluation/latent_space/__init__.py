"""Order in the latent space: what codes tell of their examples, how they fill the prior, and what lies between them."""
