"""What the owner reads of money: the books of a time, the payments themselves, and what needs them."""
