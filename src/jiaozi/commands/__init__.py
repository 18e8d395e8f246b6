"""One module a command: it calls its room and prints the answer."""
