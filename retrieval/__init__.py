"""Finding passages: encoders, dense and lexical search, fusion, snapshots, retrieval metrics. Imports corpora only."""
