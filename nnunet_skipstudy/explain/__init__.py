"""Why a network fails: interventions on its skips, what moves in it, where it looks."""

TABLE, SUSCEPTIBILITY = "explain.csv", "susceptibility.csv"
FIELD, ATTENTION = "receptive_field.csv", "attention.csv"
TABLES: tuple[str, ...] = (TABLE, SUSCEPTIBILITY, FIELD, ATTENTION)
"""What is found of one trained fold; complete with the first, which is written last."""
