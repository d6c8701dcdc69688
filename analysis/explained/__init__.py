"""What skipstudy explain found, in the report: shares of a loss with intervals, and the sentences made of them."""
