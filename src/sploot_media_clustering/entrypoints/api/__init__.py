"""The HTTP API: requests in, use cases called, answers and problems out."""
