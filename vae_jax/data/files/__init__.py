"""The user's own files: folders of images, arrays, tables."""
