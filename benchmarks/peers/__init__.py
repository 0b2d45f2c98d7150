"""Symphony beside other engines, each in an environment of its own: `make bench-peers`, docs/benchmarks.md."""
