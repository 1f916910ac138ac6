"""Evaluation of base and tuned models on the same questions: arms, measures, a report."""
