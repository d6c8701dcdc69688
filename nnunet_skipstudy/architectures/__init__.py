"""The study's networks: the plan's encoder, and a decoder whose skips follow a policy per level."""
