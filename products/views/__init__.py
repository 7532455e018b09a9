"""One function per page, by noun: the products, and the shops' items on *Sync webshop products*."""
