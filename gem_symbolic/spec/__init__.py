"""A user's own activation: a piecewise rational function read from a TOML file, and everything that follows from it."""
