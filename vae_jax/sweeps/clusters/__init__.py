"""Workers of a sweep as jobs of a cluster: no other room needs it."""
