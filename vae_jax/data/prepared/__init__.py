"""Data sets that TFDS has prepared, read without TensorFlow."""
