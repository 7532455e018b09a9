"""The merchant's pages that show every floor: front page, orders, and what belongs to them."""
