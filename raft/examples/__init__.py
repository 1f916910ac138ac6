"""RAFT examples: grounding, distractors, assembly, the dataset on disk, reviews."""
