"""What an architecture is worth, by training it or by less."""
