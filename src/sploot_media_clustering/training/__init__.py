"""Fitting heads and making model packages."""
