"""What the product knows: pure functions on immutable values."""
