# cart.py
"""One cart for each user ID. A promotion keeps the ID, so there is nothing to do for it. Use your database."""

from collections import defaultdict

carts = defaultdict(list)


def read_cart(user_id):
    return carts.get(user_id, [])


def add_to_cart(user_id, item):
    carts[user_id].append(item)


def move_cart(from_id, to_id):
    """A guest who signs in to an existing account gets another ID."""
    carts[to_id] += carts.pop(from_id, [])
