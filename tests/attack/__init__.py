"""Attacks two running servers while a bystander shops, and measures how it fares (`make attack`)."""
