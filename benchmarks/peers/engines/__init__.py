"""Other engines on the four machines of `make bench-engine`, each a program of its own in its own idiom."""
