"""Pictures that are drawn from known factors when they are asked for."""
