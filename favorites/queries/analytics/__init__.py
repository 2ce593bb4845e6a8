"""How the priority flow does: figures of a time, and the session requests behind each of them."""
