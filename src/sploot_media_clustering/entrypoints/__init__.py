"""Entry points parse, call a service and print."""
