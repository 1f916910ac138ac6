"""A collection looked at before training: topics, outliers, leaks, a page. Changes nothing."""
