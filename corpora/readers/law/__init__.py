"""Vocabularies of law: Akoma Ntoso, USLM, eCFR, the D.C. Code."""
