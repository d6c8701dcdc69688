"""A study's steps and their order: convert, plan and preprocess, train, predict, explain, analyze."""
