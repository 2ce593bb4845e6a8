"""The two latencies that the README promises, measured on the whole product: `python -m bench`."""
