"""A `Config`: its fields by dotted name, its JSON, its words, and its command line."""
