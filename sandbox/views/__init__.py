"""The pages of the stand-in, a module per noun."""
