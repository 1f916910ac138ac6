"""PDF: lines, annotations, scanned pages, and the rectangles of a quote."""
