"""Looking for what is wrong with a trained model: evidence, and checks that are pure functions of it."""
