"""What is settled about every request before a view sees it."""
