"""A camera roll to try things on, simulated from pictures of animals that other packages carry."""
