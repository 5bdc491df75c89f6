"""A delivered network as a pull request that a reviewer would merge: nothing in the user's tree is ever touched."""
