"""Vocabularies of medicine: JATS, PubMed, MedQuAD."""
