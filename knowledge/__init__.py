"""Documents in, passages out. Imports nothing of the other packages."""
