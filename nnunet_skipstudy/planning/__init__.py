"""One plan for all networks of a comparison, and what each network costs on it."""
