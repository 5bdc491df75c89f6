"""One network trained instead of thousands: the networks of a space borrow their weights from it.

What runs here is built of specs alone, by the house's own operations; proposed Python has no way in.
"""
