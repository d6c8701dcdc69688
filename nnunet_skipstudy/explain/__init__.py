"""Why a network fails: interventions on its skips, what moves in it, where it looks."""
