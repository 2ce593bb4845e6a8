"""One-line mistakes, each of which one named test must catch."""
