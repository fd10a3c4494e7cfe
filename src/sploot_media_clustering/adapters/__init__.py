"""One real thing per file: decoders, sources, networks, caches."""
