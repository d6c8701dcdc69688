"""A study's steps, one a file."""
