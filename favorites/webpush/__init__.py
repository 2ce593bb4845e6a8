"""Web Push: our keys, the push services we send to, and one message to one of them."""
