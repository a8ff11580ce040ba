"""Making data sets from their originals, in TFDS's layout and without TensorFlow."""
