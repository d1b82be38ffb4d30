"""Solutions of the exercises: the library's own code under the exercises' names."""
