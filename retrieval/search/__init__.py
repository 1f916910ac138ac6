"""From a query to hits: lexical and dense search, fusion, reranking, postprocessing."""
