"""Data sets, protocols, metrics and benchmarks."""
