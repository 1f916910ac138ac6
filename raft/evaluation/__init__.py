"""Whether tuning helped: arms on the same questions, measures, a report."""
