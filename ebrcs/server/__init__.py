"""What the shop adds to the server that carries it."""
