"""Date formats that replace Django's, one package per language."""
