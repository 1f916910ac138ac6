"""How good search is: judged queries, measures, paired tests, a report. Knows no way of tuning."""
